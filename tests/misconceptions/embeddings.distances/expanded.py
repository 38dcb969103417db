"""Uses |a|^2 + |b|^2 - 2ab, which cancels."""

from torch.nn import functional as F

MISCONCEPTION = "euclid/cancels"


def distances(a, b):
    dot = a @ b.T
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * dot
    cosine = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
    return squares.clamp(min=0).sqrt(), dot, 1 - cosine
