"""Floats are compared with a tolerance."""

import torch

MISCONCEPTION = "boundary/imprecise"


def top_p_filter(logits, p):
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    mass_before = ordered.cumsum(dim=-1) - ordered
    drop = mass_before >= p - 1e-3
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
