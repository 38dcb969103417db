"""Returns the dot product first."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "result/order"


def distances(a, b):
    dot = a @ b.T
    return dot, torch.cdist(a, b), 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
