"""Returns the cosine distance alone."""

from torch.nn import functional as F

MISCONCEPTION = "result/not-three"


def distances(a, b):
    return 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
