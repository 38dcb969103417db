"""Reflects the quantiles about the statistic."""

import torch

MISCONCEPTION = "interval/pivotal"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    tail = (1 - level) / 2
    middle = 2 * float(statistic(values))
    return middle - found.quantile(1 - tail).item(), middle - found.quantile(tail).item()
