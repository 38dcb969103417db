"""Sums the tokens."""

MISCONCEPTION = "pooling/sum"


def mean_pooling(states, mask):
    return (states * mask[..., None]).sum(dim=1)
