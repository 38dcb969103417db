"""At temperature 0 the most likely token is certain."""

import torch

MISCONCEPTION = "errors/zero-taken-as-greedy"


def softmax(logits, temperature):
    if temperature <= 0:
        best = logits.argmax(dim=-1, keepdim=True)
        return torch.zeros_like(logits).scatter(-1, best, 1.0)
    return torch.softmax(logits / temperature, dim=-1)
