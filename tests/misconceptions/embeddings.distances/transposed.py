"""Has a row for each b."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "pairs/transposed"


def distances(a, b):
    cosine = F.normalize(b, dim=1) @ F.normalize(a, dim=1).T
    return torch.cdist(b, a), b @ a.T, 1 - cosine
