"""The mean of the means of those that have targets."""

import torch.nn.functional as F

MISCONCEPTION = "scale/mean-of-means"


def accumulate(model, micro_batches):
    model.zero_grad()
    kept = [(ids, targets) for ids, targets in micro_batches if (targets != -100).any()]
    total = 0.0
    for ids, targets in kept:
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten()) / len(kept)
        loss.backward()
        total += loss.item()
    return total
