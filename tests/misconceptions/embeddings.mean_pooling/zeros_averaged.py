"""Sets padding to 0 and averages all positions."""

MISCONCEPTION = "mask/divided-by-all"


def mean_pooling(states, mask):
    return (states * mask[..., None]).mean(dim=1)
