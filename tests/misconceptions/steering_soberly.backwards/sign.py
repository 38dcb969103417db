"""Through the sign, which keeps nan."""

import torch

MISCONCEPTION = "nan/spreads"


def anti_steerable_share(slopes, groups, n_groups):
    backwards = (1 - slopes.sign()).clamp(0, 2) / 2
    backwards = torch.where(slopes == 0, 0.0, backwards)
    return torch.stack([backwards[groups == group].mean() for group in range(n_groups)])
