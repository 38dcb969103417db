"""Add up probabilities until p is reached."""

import torch

MISCONCEPTION = "order/cumulates-unsorted"


def top_p_filter(logits, p):
    probabilities = torch.softmax(logits, dim=-1)
    return logits.masked_fill(probabilities.cumsum(dim=-1) - probabilities >= p, float("-inf"))
