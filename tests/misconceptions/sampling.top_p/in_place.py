"""Masking the tensor directly is the short way."""

import torch

MISCONCEPTION = "mutates/input"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = (probabilities.cumsum(dim=-1) - probabilities >= p) & (p < 1)
    return logits.masked_fill_(remove.scatter(-1, indices, remove), -torch.inf)
