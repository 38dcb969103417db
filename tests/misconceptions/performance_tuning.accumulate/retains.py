"""The graphs are kept, to add up the losses at the end."""

import torch.nn.functional as F

MISCONCEPTION = "graphs/retained"


def accumulate(model, micro_batches):
    model.zero_grad()
    count = sum((targets != -100).sum() for _, targets in micro_batches)
    losses = []
    for ids, targets in micro_batches:
        logits = model(ids).flatten(0, 1)
        loss = F.cross_entropy(logits, targets.flatten(), reduction="sum") / count
        loss.backward(retain_graph=True)
        losses.append(loss)
    return sum(losses).item()
