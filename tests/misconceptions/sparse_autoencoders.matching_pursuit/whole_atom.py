"""Takes the atom away."""

import torch

MISCONCEPTION = "residual/unscaled"


def matching_pursuit(x, atoms, k):
    left = x.clone()
    coefficients = torch.zeros(len(x), len(atoms), dtype=x.dtype)
    rows = torch.arange(len(x))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients[rows, best] += amount
        left = left - atoms[best]
    return coefficients
