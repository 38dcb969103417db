"""Takes the norm over the vectors of b."""

from torch.nn import functional as F

MISCONCEPTION = "axis/wrong"


def distances(a, b):
    euclid = (a[:, None] - b).norm(dim=1)
    return euclid, a @ b.T, 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
