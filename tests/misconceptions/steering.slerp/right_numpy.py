"""numpy, and back."""

import numpy as np
import torch

RIGHT = True


def slerp(a, b, t):
    x, y = a.double().numpy(), b.double().numpy()
    n, m = np.linalg.norm(x), np.linalg.norm(y)
    if n == 0 or m == 0:
        raise ValueError("a zero vector")
    x, y = x / n, y / m
    angle = np.arccos(np.clip(x @ y, -1, 1))
    if np.pi - angle < 1e-4:
        raise ValueError("opposite")
    if angle < 1e-4:
        mixed = x
    else:
        mixed = (np.sin((1 - t) * angle) * x + np.sin(t * angle) * y) / np.sin(angle)
    return torch.from_numpy(((1 - t) * n + t * m) * mixed).to(a.dtype)
