"""Softmax as in the formula."""

import torch

MISCONCEPTION = "stability/overflows-on-large-logits"


def top_p_filter(logits, p):
    weights = torch.exp(logits)
    ordered, order = (weights / weights.sum(-1, keepdim=True)).sort(dim=-1, descending=True)
    mass_before = ordered.cumsum(dim=-1) - ordered
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
