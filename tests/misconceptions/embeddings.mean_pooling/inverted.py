"""Averages where the mask is 0."""

MISCONCEPTION = "mask/inverted"


def mean_pooling(states, mask):
    padding = (mask == 0).to(states.dtype)[..., None]
    return (states * padding).sum(1) / padding.sum(1).clamp(min=1)
