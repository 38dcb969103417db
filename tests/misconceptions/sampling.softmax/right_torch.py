"""torch's own softmax."""

import torch

RIGHT = True


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}: give a number above 0")
    return torch.softmax(logits / temperature, dim=-1)
