"""It takes the step, too."""

import torch
import torch.nn.functional as F

MISCONCEPTION = "step/taken"


def accumulate(model, micro_batches):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer.zero_grad()
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    total = 0.0
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total
