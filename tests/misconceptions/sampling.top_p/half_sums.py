"""Probabilities need half precision only."""

import torch

MISCONCEPTION = "boundary/imprecise"


def top_p_filter(logits, p):
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    ordered = ordered.half()
    mass_before = ordered.cumsum(dim=-1) - ordered
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
