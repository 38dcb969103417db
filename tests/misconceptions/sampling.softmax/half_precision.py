"""Half precision is what models use."""

import torch

MISCONCEPTION = "value/low-precision"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits.half() / temperature, dim=-1)
