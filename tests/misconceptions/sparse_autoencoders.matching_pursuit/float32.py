"""Makes zeros in the default dtype."""

import torch

MISCONCEPTION = "dtype/mixed"


def matching_pursuit(x, atoms, k):
    left = x.clone()
    coefficients = torch.zeros(len(x), len(atoms), dtype=torch.float32)
    rows = torch.arange(len(x))
    for _ in range(k):
        products = left @ atoms.T
        best = products.abs().argmax(-1)
        amount = products[rows, best]
        coefficients = coefficients.scatter_add(1, best[:, None], amount[:, None])
        left = left - amount[:, None] * atoms[best]
    return coefficients
