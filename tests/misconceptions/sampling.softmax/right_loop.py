"""Row by row, with Python's math."""

import math

import torch

RIGHT = True


def softmax(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        largest = max(row)
        weights = [math.exp((x - largest) / temperature) for x in row]
        total = sum(weights)
        rows.append([w / total for w in weights])
    return torch.tensor(rows).reshape(logits.shape)
