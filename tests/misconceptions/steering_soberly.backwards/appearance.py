"""A dictionary, in the order in which groups appear."""

import torch

MISCONCEPTION = "groups/order-of-appearance"


def anti_steerable_share(slopes, groups, n_groups):
    found = {}
    for slope, group in zip(slopes.tolist(), groups.tolist(), strict=True):
        if slope == slope:
            found.setdefault(group, []).append(slope < 0)
    return torch.tensor([sum(x) / len(x) for x in found.values()], dtype=torch.float64)
