"""A temperature above 5 must be a mistake."""

import torch

MISCONCEPTION = "errors/refuses-a-good-temperature"


def softmax(logits, temperature):
    if not 0 < temperature <= 5:
        raise ValueError("temperature must lie between 0 and 5")
    return torch.softmax(logits / temperature, dim=-1)
