"""Subtract the maximum of the logits, whatever the temperature does."""

import torch

MISCONCEPTION = "stability/maximum-before-temperature"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.exp(logits / temperature - logits.max(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)
