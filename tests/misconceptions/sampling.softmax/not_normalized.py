"""With the maximum subtracted the numbers lie between 0 and 1."""

import torch

MISCONCEPTION = "formula/not-normalized"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = logits / temperature
    return torch.exp(scaled - scaled.max(dim=-1, keepdim=True).values)
