"""Divides by the root of the number of tokens."""

MISCONCEPTION = "pooling/square-root"


def mean_pooling(states, mask):
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1).sqrt()
