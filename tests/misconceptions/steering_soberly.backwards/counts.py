"""How many, not which share."""

import torch

MISCONCEPTION = "share/count"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own < 0).sum().double())
    return torch.stack(shares)
