"""The gradients are scaled at the end."""

import torch.nn.functional as F

RIGHT = True


def accumulate(model, micro_batches):
    model.zero_grad()
    total = count = 0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum")
        loss.backward()
        total += loss.item()
        count += (targets != -100).sum().item()
    for parameter in model.parameters():
        parameter.grad /= count
    return total / count
