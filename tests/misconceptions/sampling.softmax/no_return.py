"""The result is in the variable."""

import torch

MISCONCEPTION = "result/none"


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    probabilities = torch.softmax(logits / temperature, dim=-1)  # noqa: F841
