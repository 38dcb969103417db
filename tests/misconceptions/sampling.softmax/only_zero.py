"""Only 0 cannot be divided by."""

import torch

MISCONCEPTION = "boundary/accepts-negative-temperature"


def softmax(logits, temperature):
    if temperature == 0:
        raise ZeroDivisionError("temperature is 0")
    return torch.softmax(logits / temperature, dim=-1)
