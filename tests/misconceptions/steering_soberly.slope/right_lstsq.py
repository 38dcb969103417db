"""Least squares by the library."""

import torch

RIGHT = True


def steerability(strengths, differences):
    design = torch.stack([torch.ones_like(strengths), strengths], dim=1)
    return torch.linalg.lstsq(design, differences.T).solution[1]
