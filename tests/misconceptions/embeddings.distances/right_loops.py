"""A loop over all pairs."""

import torch

RIGHT = True


def distances(a, b):
    euclid, dot, cosine = (torch.zeros(len(a), len(b), dtype=a.dtype) for _ in range(3))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            euclid[i, j] = ((x - y) ** 2).sum().sqrt()
            dot[i, j] = (x * y).sum()
            lengths = x.norm() * y.norm()
            cosine[i, j] = 1 - dot[i, j] / lengths if lengths > 0 else 1
    return euclid, dot, cosine
