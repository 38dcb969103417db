"""Starts with a step."""

import torch

MISCONCEPTION = "steps/at-least-one"


def matching_pursuit(x, atoms, k):
    left = x.clone()
    coefficients = torch.zeros(len(x), len(atoms), dtype=x.dtype)
    rows = torch.arange(len(x))
    for _ in range(max(k, 1)):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients[rows, best] += amount
        left = left - amount[:, None] * atoms[best]
    return coefficients
