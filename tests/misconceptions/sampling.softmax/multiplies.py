"""A higher temperature means larger logits."""

import torch

MISCONCEPTION = "scale/multiplies-by-temperature"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits * temperature, dim=-1)
