"""Takes the dot product for the cosine."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "dot/normalized"


def distances(a, b):
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return torch.cdist(a, b), cosine, 1 - cosine
