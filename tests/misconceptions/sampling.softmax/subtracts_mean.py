"""Centering the logits makes them small."""

import torch

MISCONCEPTION = "stability/subtracts-something-else"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.mean(dim=-1, keepdim=True))
    return weights / weights.sum(dim=-1, keepdim=True)
