"""Where the samples steered backwards are."""

import torch

MISCONCEPTION = "share/of-the-backwards"


def anti_steerable_share(slopes, groups, n_groups):
    counts = torch.bincount(groups[slopes < 0], minlength=n_groups).double()
    return counts / counts.sum()
