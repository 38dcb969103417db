"""Earlier gradients stay."""

import torch.nn.functional as F

MISCONCEPTION = "gradients/earlier-kept"


def accumulate(model, micro_batches):
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
