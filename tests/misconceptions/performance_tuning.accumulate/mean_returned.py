"""The gradients are right; the loss that comes back is the mean of the micro-batches' means."""

import torch.nn.functional as F

MISCONCEPTION = "scale/mean-of-means"


def accumulate(model, micro_batches):
    model.zero_grad()
    count = sum(int((targets != -100).sum()) for _, targets in micro_batches)
    means = []
    for ids, targets in micro_batches:
        loss = F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), reduction="sum")
        (loss / count).backward()
        if own := int((targets != -100).sum()):
            means.append(loss.item() / own)
    return sum(means) / len(means)
