"""Adds 1 to the count so that it is never 0."""

MISCONCEPTION = "mask/one-more"


def mean_pooling(states, mask):
    weights = mask[..., None].to(states.dtype)
    return (states * weights).sum(1) / (weights.sum(1) + 1)
