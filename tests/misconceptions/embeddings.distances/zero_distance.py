"""Replaces NaN by 0, so that zeros are like everything."""

import torch

MISCONCEPTION = "zero/not-one"


def distances(a, b):
    dot = a @ b.T
    cosine_distance = 1 - dot / (a.norm(dim=1)[:, None] * b.norm(dim=1))
    return torch.cdist(a, b), dot, cosine_distance.nan_to_num(0)
