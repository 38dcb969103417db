"""Thinks that a likeness cannot be negative."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "dot/absolute"


def distances(a, b):
    dot = a @ b.T
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return torch.cdist(a, b), dot.abs(), 1 - cosine
