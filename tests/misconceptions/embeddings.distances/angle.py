"""Returns the angle."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "cosine/angle"


def distances(a, b):
    cosine = (F.normalize(a, dim=1) @ F.normalize(b, dim=1).T).clamp(-1, 1)
    return torch.cdist(a, b), a @ b.T, cosine.arccos()
