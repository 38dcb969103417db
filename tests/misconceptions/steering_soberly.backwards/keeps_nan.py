"""Keeps nan, which then takes the whole group."""

import torch

MISCONCEPTION = "nan/spreads"


def anti_steerable_share(slopes, groups, n_groups):
    backwards = torch.where(slopes.isnan(), slopes, (slopes < 0).to(slopes.dtype))
    return torch.stack([backwards[groups == group].mean() for group in range(n_groups)])
