"""Two counts."""

import torch

RIGHT = True


def anti_steerable_share(slopes, groups, n_groups):
    valid = ~torch.isnan(slopes)
    total = torch.bincount(groups[valid], minlength=n_groups)
    backwards = torch.bincount(groups[valid & (slopes < 0)], minlength=n_groups)
    return backwards / total
