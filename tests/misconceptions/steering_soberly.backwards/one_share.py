"""One share for all samples."""

MISCONCEPTION = "groups/ignored"


def anti_steerable_share(slopes, groups, n_groups):
    valid = slopes[~slopes.isnan()]
    return (valid < 0).double().mean()
