"""A temperature below 0.005 would overflow."""

import torch

MISCONCEPTION = "scale/clamps-the-temperature"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits / max(temperature, 0.005), dim=-1)
