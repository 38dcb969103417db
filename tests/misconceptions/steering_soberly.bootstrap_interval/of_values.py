"""The quantiles of the values themselves."""

MISCONCEPTION = "interval/of-the-values"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    tail = (1 - level) / 2
    column = values if values.dim() == 1 else values[:, 0]
    return column.quantile(tail).item(), column.quantile(1 - tail).item()
