"""Dropout off, so that the gradients are comparable; it stays off."""

import torch.nn.functional as F

MISCONCEPTION = "model/mode-changed"


def accumulate(model, micro_batches):
    model.eval()
    model.zero_grad()
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
