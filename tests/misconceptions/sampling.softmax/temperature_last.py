"""Temperature scales the probabilities."""

import torch

MISCONCEPTION = "scale/divides-by-temperature-after-softmax"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    return torch.softmax(logits, dim=-1) / temperature
