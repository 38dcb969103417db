"""Takes the maximum over the tokens."""

import torch

MISCONCEPTION = "pooling/max"


def mean_pooling(states, mask):
    return states.masked_fill(mask[..., None] == 0, -torch.inf).amax(dim=1)
