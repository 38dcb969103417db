"""t = 0 gives b."""

import torch

MISCONCEPTION = "path/swapped"


def slerp(a, b, t):
    size_a, size_b = a.norm(), b.norm()
    if size_a == 0 or size_b == 0:
        raise ValueError("a zero vector has no direction")
    u, v = a / size_a, b / size_b
    cosine = (u @ v).clamp(-1, 1)
    if cosine < -1 + 1e-6:
        raise ValueError("opposite vectors")
    if cosine > 1 - 1e-6:
        return (1 - t) * a + t * b
    angle = torch.acos(cosine)
    way = (torch.sin(t * angle) * u + torch.sin((1 - t) * angle) * v) / torch.sin(angle)
    return (t * size_a + (1 - t) * size_b) * way
