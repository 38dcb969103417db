"""The division is forgotten."""

import torch.nn.functional as F

MISCONCEPTION = "scale/sum-of-means"


def accumulate(model, micro_batches):
    model.zero_grad()
    total = 0.0
    for ids, targets in micro_batches:
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten())
        loss.backward()
        total += loss.item()
    return total / len(micro_batches)
