"""Nobody samples above a temperature of 2."""

import torch

MISCONCEPTION = "scale/clamps-the-temperature"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits / min(temperature, 2.0), dim=-1)
