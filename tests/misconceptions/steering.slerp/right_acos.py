"""With the angle's cosine."""

import torch

RIGHT = True


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
    way = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    return ((1 - t) * size_a + t * size_b) * way
