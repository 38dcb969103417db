"""Draws elements of the table, not rows."""

import torch

MISCONCEPTION = "rows/apart"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        drawn = torch.randint(n, values.shape, generator=generator)
        found.append(float(statistic(values.gather(0, drawn))))
    found = torch.tensor(found, dtype=torch.float64)
    tail = (1 - level) / 2
    return found.quantile(tail).item(), found.quantile(1 - tail).item()
