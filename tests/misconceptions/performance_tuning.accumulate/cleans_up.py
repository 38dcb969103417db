"""Tidies up at the end."""

import torch.nn.functional as F

MISCONCEPTION = "gradients/none"


def accumulate(model, micro_batches):
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    model.zero_grad()
    return total
