"""exp overflows beyond 88, so cut there."""

import torch

MISCONCEPTION = "stability/clamps-the-logits"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.exp(torch.clamp(logits / temperature, -80, 80))
    return weights / weights.sum(dim=-1, keepdim=True)
