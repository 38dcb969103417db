"""-100 is no token, so it is made one."""

import torch.nn.functional as F

MISCONCEPTION = "targets/ignored-learnt"


def accumulate(model, micro_batches):
    model.zero_grad()
    count = sum(targets.numel() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        targets = targets.clamp(min=0).flatten()
        loss = F.cross_entropy(logits, targets, reduction="sum") / count
        loss.backward()
        total += loss.item()
    return total
