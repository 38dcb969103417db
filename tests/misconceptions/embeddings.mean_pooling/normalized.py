"""Brings the mean to length 1."""

from torch.nn import functional as F

MISCONCEPTION = "pooling/normalized"


def mean_pooling(states, mask):
    weights = mask[..., None].to(states.dtype)
    return F.normalize((states * weights).sum(1) / weights.sum(1).clamp(min=1), dim=1)
