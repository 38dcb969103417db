"""A group without samples has none that are steered backwards."""

import torch

MISCONCEPTION = "empty/zero"


def anti_steerable_share(slopes, groups, n_groups):
    shares = torch.zeros(n_groups, dtype=torch.float64)
    for group in range(n_groups):
        own = slopes[(groups == group) & ~slopes.isnan()]
        if len(own):
            shares[group] = (own < 0).double().mean()
    return shares
