"""sum() sums up what has to be summed up."""

import torch

MISCONCEPTION = "axis/whole-tensor"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    weights = torch.exp(scaled - scaled.max())
    return weights / weights.sum()
