"""Mask the sorted logits and return them."""

import torch

MISCONCEPTION = "order/result-in-sorted-order"


def top_p_filter(logits, p):
    ordered = torch.sort(logits, dim=-1, descending=True).values
    probabilities = torch.softmax(ordered, dim=-1)
    return ordered.masked_fill(probabilities.cumsum(dim=-1) - probabilities >= p, float("-inf"))
