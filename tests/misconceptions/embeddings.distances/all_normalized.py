"""Normalizes first and computes everything from that."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "euclid/of-unit-vectors"


def distances(a, b):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    return torch.cdist(a, b), a @ b.T, 1 - a @ b.T
