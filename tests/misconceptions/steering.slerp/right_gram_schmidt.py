"""Cosine along a, sine along what is left of b."""

import torch

RIGHT = True


def slerp(a, b, t):
    if not a.any() or not b.any():
        raise ValueError("a zero vector")
    u, v = a / a.norm(), b / b.norm()
    size = (1 - t) * a.norm() + t * b.norm()
    across = v - (u @ v) * u
    if across.norm() < 1e-5:
        if u @ v < 0:
            raise ValueError("opposite vectors")
        return size * u
    across = across / across.norm()
    angle = t * torch.atan2(v @ across, v @ u)
    return size * (torch.cos(angle) * u + torch.sin(angle) * across)
