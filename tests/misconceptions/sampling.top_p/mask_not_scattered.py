"""The mask of the sorted row masks the row."""

import torch

MISCONCEPTION = "order/mask-in-sorted-order"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    return logits.masked_fill(remove, float("-inf"))
