"""With atan2, in float64."""

import math

import torch

RIGHT = True


def slerp(a, b, t):
    n, m = (torch.linalg.vector_norm(x.double()).item() for x in (a, b))
    if min(n, m) == 0:
        raise ValueError("zero")
    u, v = a.double() / n, b.double() / m
    angle = 2 * math.atan2((u - v).norm(), (u + v).norm())
    if angle > math.pi - 1e-6:
        raise ValueError("opposite")
    if angle < 1e-6:
        return torch.lerp(a, b, t)
    way = math.sin((1 - t) * angle) * u + math.sin(t * angle) * v
    return (way / math.sin(angle) * ((1 - t) * n + t * m)).to(a.dtype)
