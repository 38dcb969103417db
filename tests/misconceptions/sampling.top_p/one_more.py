"""Shift by one to keep the crossing token, with a mask that kept it already."""

import torch

MISCONCEPTION = "boundary/keeps-one-too-many"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    remove[..., 1:] = remove[..., :-1].clone()
    remove[..., 0] = False
    return logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
