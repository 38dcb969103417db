"""Only the groups that occur."""

import torch

MISCONCEPTION = "empty/left-out"


def anti_steerable_share(slopes, groups, n_groups):
    valid = ~slopes.isnan()
    shares = []
    for group in groups.unique():
        own = slopes[valid & (groups == group)]
        shares.append((own < 0).double().mean())
    return torch.stack(shares)
