"""Averages over the width."""

MISCONCEPTION = "axis/width"


def mean_pooling(states, mask):
    return (states * mask[..., None]).mean(dim=-1)
