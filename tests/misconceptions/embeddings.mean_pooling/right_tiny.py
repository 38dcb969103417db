"""The usual smallest number in the denominator."""

import torch

RIGHT = True


def mean_pooling(states, mask):
    mask = mask.unsqueeze(-1).expand(states.size()).to(states.dtype)
    return torch.sum(states * mask, 1) / torch.clamp(mask.sum(1), min=1e-9)
