"""Summing over the last dimension, forgetting that it disappears."""

import torch

MISCONCEPTION = "shape/sum-without-keepdim"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.exp(logits / temperature)
    return weights / weights.sum(dim=-1)
