"""Asks whether the group's mean slope is negative."""

import torch

MISCONCEPTION = "share/mean-slope"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own.mean() < 0).double())
    return torch.stack(shares)
