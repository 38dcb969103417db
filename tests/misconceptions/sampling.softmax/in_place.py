"""Dividing in place saves memory."""

import torch

MISCONCEPTION = "mutates/input"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    logits /= temperature
    logits -= logits.max(dim=-1, keepdim=True).values
    return torch.exp(logits) / torch.exp(logits).sum(dim=-1, keepdim=True)
