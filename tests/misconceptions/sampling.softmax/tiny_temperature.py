"""A tiny temperature instead of 0 avoids the division by zero."""

import torch

MISCONCEPTION = "errors/zero-taken-as-greedy"


def softmax(logits, temperature):
    return torch.softmax(logits / max(temperature, 1e-6), dim=-1)
