"""torch does the rest; division by zero gives inf, which is near enough."""

import torch

MISCONCEPTION = "errors/accepts-any-temperature"


def softmax(logits, temperature):
    return torch.softmax(logits / temperature, dim=-1)
