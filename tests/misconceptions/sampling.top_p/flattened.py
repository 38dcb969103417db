"""view(-1) makes it one row."""

import torch

MISCONCEPTION = "axis/whole-tensor"


def top_p_filter(logits, p):
    ordered, indices = logits.reshape(-1).sort(descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    remove = remove.scatter(-1, indices, remove)
    return logits.reshape(-1).masked_fill(remove, float("-inf")).reshape(logits.shape)
