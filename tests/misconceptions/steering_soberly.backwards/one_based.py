"""Counts the groups from 1."""

import torch

MISCONCEPTION = "groups/one-based"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(1, n_groups + 1):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own < 0).double().mean())
    return torch.stack(shares)
