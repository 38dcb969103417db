"""Adds what the atom explains."""

import torch

MISCONCEPTION = "residual/sign"


def matching_pursuit(x, atoms, k):
    left, rows = x.clone(), torch.arange(len(x))
    coefficients = x.new_zeros(len(x), len(atoms))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients[rows, best] += amount
        left = left + amount[:, None] * atoms[best]
    return coefficients
