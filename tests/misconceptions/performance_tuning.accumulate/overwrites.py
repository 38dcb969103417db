"""Ignored targets are set to 0 in the caller's tensor, and masked."""

import torch.nn.functional as F

MISCONCEPTION = "mutates/input"


def accumulate(model, micro_batches):
    model.zero_grad()
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        counts = targets != -100
        targets[~counts] = 0
        losses = F.cross_entropy(model(ids).transpose(1, 2), targets, reduction="none")
        loss = (losses * counts).sum() / count
        loss.backward()
        total += loss.item()
    return total
