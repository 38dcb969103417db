"""Forgets the root."""

from torch.nn import functional as F

MISCONCEPTION = "euclid/squared"


def distances(a, b):
    squares = ((a[:, None] - b) ** 2).sum(-1)
    return squares, a @ b.T, 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
