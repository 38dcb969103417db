"""Logits are [batch, vocab]."""

import torch

MISCONCEPTION = "axis/wrong-dimension"


def top_p_filter(logits, p):
    if p == 1:
        return logits.clone()
    ordered, indices = torch.sort(logits, dim=1, descending=True)
    probabilities = torch.softmax(ordered, dim=1)
    remove = probabilities.cumsum(dim=1) - probabilities >= p
    return logits.masked_fill(remove.scatter(1, indices, remove), float("-inf"))
