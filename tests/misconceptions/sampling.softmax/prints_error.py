"""Tell the user what is wrong."""

import torch

MISCONCEPTION = "errors/prints-instead-of-raising"


def softmax(logits, temperature):
    if temperature <= 0:
        print("temperature must be positive")
        return None
    return torch.softmax(logits / temperature, dim=-1)
