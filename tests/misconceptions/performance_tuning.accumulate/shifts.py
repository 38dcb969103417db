"""The targets are taken for labels of transformers, which are shifted in the loss."""

import torch.nn.functional as F

MISCONCEPTION = "targets/shifted-again"


def accumulate(model, micro_batches):
    model.zero_grad()
    count = sum((targets[:, 1:] != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits, targets = model(ids)[:, :-1].flatten(0, 1), targets[:, 1:].flatten()
        loss = F.cross_entropy(logits, targets, reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
