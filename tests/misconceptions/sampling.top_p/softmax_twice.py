"""Sorted probabilities, softmax, cumulative sum."""

import torch

MISCONCEPTION = "scale/softmax-twice"


def top_p_filter(logits, p):
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    mass_before = ordered.softmax(dim=-1).cumsum(dim=-1) - ordered.softmax(dim=-1)
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
