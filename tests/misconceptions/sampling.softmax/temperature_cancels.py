"""Scale the probabilities, then normalize so that they sum to 1."""

import torch

MISCONCEPTION = "scale/ignores-temperature"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    probabilities = torch.softmax(logits, dim=-1) / temperature
    return probabilities / probabilities.sum(dim=-1, keepdim=True)
