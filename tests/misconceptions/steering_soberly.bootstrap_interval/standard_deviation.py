"""Two standard deviations of the values on both sides."""

MISCONCEPTION = "interval/standard-deviation"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    middle, spread = float(statistic(values)), values.std().item()
    return middle - 1.96 * spread, middle + 1.96 * spread
