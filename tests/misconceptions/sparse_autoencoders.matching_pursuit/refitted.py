"""Fits all chosen atoms anew."""

import torch

MISCONCEPTION = "coefficients/refitted"


def matching_pursuit(x, atoms, k):
    result = torch.zeros(len(x), len(atoms), dtype=x.dtype)
    for i, row in enumerate(x):
        chosen, left = [], row
        for _ in range(k):
            best = int((atoms @ left).abs().argmax())
            chosen += [best] if best not in chosen else []
            A = atoms[chosen].T
            fit = torch.linalg.lstsq(A, row[:, None], driver="gelsd").solution[:, 0]
            left = row - A @ fit
            result[i] = 0
            result[i, chosen] = fit
    return result
