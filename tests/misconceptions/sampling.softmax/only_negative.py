"""A negative temperature is an error; 0 is a limit."""

import torch

MISCONCEPTION = "boundary/accepts-temperature-zero"


def softmax(logits, temperature):
    if temperature < 0:
        raise ValueError("temperature must not be negative")
    return torch.softmax(logits / temperature, dim=-1)
