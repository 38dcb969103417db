"""Counts how often."""

import torch

MISCONCEPTION = "coefficients/ones"


def matching_pursuit(x, atoms, k):
    left = x.clone()
    coefficients = torch.zeros(len(x), len(atoms), dtype=x.dtype)
    rows = torch.arange(len(x))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients[rows, best] += 1
        left = left - amount[:, None] * atoms[best]
    return coefficients
