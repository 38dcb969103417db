"""NaN means nothing was left: zero."""

import torch

MISCONCEPTION = "stability/overflows-on-large-logits"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.exp(logits / temperature)
    return torch.nan_to_num(weights / weights.sum(dim=-1, keepdim=True))
