"""Divides all rows by the length of the longest."""

MISCONCEPTION = "mask/longest-row"


def mean_pooling(states, mask):
    return (states * mask[..., None]).sum(1) / mask.sum(1).max()
