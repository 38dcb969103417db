"""Logits are always [batch, vocab], so the vocabulary is dimension 1."""

import torch

MISCONCEPTION = "axis/softmax-over-wrong-dimension"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits / temperature, dim=1)
