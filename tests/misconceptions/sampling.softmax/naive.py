"""exp and sum, as in the formula."""

import torch

MISCONCEPTION = "stability/overflows-on-large-logits"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    weights = torch.exp(logits / temperature)
    return weights / weights.sum(dim=-1, keepdim=True)
