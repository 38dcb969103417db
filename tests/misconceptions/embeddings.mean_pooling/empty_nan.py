"""Divides by the number of tokens, also where it is 0."""

MISCONCEPTION = "empty/nan"


def mean_pooling(states, mask):
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
