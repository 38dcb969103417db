"""nan < 0 is False, and it is counted."""

import torch

MISCONCEPTION = "nan/counted"


def anti_steerable_share(slopes, groups, n_groups):
    shares = []
    for group in range(n_groups):
        own = slopes[groups == group]
        shares.append((own < 0).double().mean())
    return torch.stack(shares)
