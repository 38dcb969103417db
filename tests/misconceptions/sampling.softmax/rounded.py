"""Four decimals are enough."""

import torch

MISCONCEPTION = "value/rounded"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits / temperature, dim=-1).round(decimals=4)
