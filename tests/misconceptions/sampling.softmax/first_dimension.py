"""The first dimension is where the numbers are."""

import torch

MISCONCEPTION = "axis/softmax-over-wrong-dimension"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits / temperature, dim=0)
