"""The share of positive slopes."""

import torch

MISCONCEPTION = "share/forwards"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own > 0).double().mean())
    return torch.stack(shares)
