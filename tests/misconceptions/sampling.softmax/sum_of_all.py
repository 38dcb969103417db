"""The maximum of each row, and the sum of all."""

import torch

MISCONCEPTION = "axis/whole-tensor"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.amax(dim=-1, keepdim=True))
    return weights / weights.sum()
