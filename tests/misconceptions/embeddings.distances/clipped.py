"""Thinks that a distance is at most 1."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "cosine/clipped"


def distances(a, b):
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return torch.cdist(a, b), a @ b.T, (1 - cosine).clamp(0, 1)
