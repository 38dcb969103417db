"""Masks as before a maximum or a softmax."""

import torch

MISCONCEPTION = "mask/infinite"


def mean_pooling(states, mask):
    return states.masked_fill(mask[..., None] == 0, -torch.inf).mean(dim=1)
