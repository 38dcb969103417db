"""Sums, divided by a count made first."""

import torch.nn.functional as F

RIGHT = True


def accumulate(model, micro_batches):
    count = 0
    for _, targets in micro_batches:
        count += int(targets.ne(-100).sum())
    for parameter in model.parameters():
        parameter.grad = None
    mean = 0
    for ids, targets in micro_batches:
        logits = model(ids)
        loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum() / count
        loss.backward()
        mean = mean + loss.detach()
    return mean
