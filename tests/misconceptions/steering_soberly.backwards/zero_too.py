"""Not forwards is backwards."""

import torch

MISCONCEPTION = "zero/backwards"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own <= 0).double().mean())
    return torch.stack(shares)
