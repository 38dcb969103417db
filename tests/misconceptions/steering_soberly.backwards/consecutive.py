"""Cuts the slopes into groups by their sizes."""

import torch

MISCONCEPTION = "groups/taken-as-sorted"


def anti_steerable_share(slopes, groups, n_groups):
    sizes = torch.bincount(groups, minlength=n_groups).tolist()
    shares = []
    for own in slopes.split(sizes):
        own = own[~own.isnan()]
        shares.append((own < 0).double().mean())
    return torch.stack(shares)
