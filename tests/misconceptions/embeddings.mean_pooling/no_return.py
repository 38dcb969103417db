"""Forgets the return."""

MISCONCEPTION = "result/none"


def mean_pooling(states, mask):
    weights = mask[..., None].to(states.dtype)
    print((states * weights).sum(1) / weights.sum(1).clamp(min=1))
