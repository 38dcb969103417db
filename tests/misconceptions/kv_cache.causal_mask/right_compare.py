"""Positions compared."""

import torch

RIGHT = True


def causal_mask(n_new, n_keys):
    positions = torch.arange(n_keys - n_new, n_keys)
    return torch.arange(n_keys) <= positions[:, None]
