"""Divides by the number of all samples."""

import torch

MISCONCEPTION = "share/of-all-samples"


def anti_steerable_share(slopes, groups, n_groups):
    valid = ~slopes.isnan()
    shares = []
    for group in range(n_groups):
        own = slopes[valid & (groups == group)]
        shares.append((own < 0).sum() / valid.sum())
    return torch.stack(shares)
