"""In percent."""

import torch

MISCONCEPTION = "share/percent"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append(100 * (own < 0).double().mean())
    return torch.stack(shares)
