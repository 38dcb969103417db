"""The mean of an empty tensor is nan."""

import torch

RIGHT = True


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        own = own[~own.isnan()]
        shares.append((own < 0).double().mean())
    return torch.stack(shares)
