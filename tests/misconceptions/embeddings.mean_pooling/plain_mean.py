"""Averages all positions."""

MISCONCEPTION = "mask/ignored"


def mean_pooling(states, mask):
    return states.mean(dim=1)
