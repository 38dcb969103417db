"""One maximum is enough to prevent overflow."""

import torch

MISCONCEPTION = "stability/one-maximum-for-all-rows"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.max())
    return weights / weights.sum(dim=-1, keepdim=True)
