"""A table of samples by groups, in numpy."""

import numpy as np

RIGHT = True


def anti_steerable_share(slopes, groups, n_groups):
    s, member = slopes.numpy(), groups.numpy()[:, None] == np.arange(n_groups)
    member = member & ~np.isnan(s)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (member & (s < 0)[:, None]).sum(0) / member.sum(0)
