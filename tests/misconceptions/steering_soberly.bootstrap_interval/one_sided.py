"""Cuts 1 - level off at each end."""

import torch

MISCONCEPTION = "level/tails"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    return found.quantile(1 - level).item(), found.quantile(level).item()
