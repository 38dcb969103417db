"""Fits the chosen atoms in the end."""

import torch

MISCONCEPTION = "coefficients/refitted"


def matching_pursuit(x, atoms, k):
    left, rows = x.clone(), torch.arange(len(x))
    coefficients = x.new_zeros(len(x), len(atoms))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients[rows, best] += amount
        left = left - amount[:, None] * atoms[best]
    for row, found in zip(x, coefficients, strict=True):
        chosen = found != 0
        found[chosen] = torch.linalg.lstsq(atoms[chosen].T, row[:, None]).solution[:, 0]
    return coefficients
