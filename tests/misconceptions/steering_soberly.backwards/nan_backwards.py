"""Backwards is what is not forwards: nan too."""

import torch

MISCONCEPTION = "nan/backwards"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        shares.append(1 - (own >= 0).double().mean())
    return torch.stack(shares)
