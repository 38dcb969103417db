"""Sums, and a mean for the eye alone."""

import torch.nn.functional as F

MISCONCEPTION = "scale/sum"


def accumulate(model, micro_batches):
    model.zero_grad()
    total = count = 0
    for ids, targets in micro_batches:
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), reduction="sum")
        loss.backward()
        total += loss.item()
        count += (targets != -100).sum().item()
    return total / count
