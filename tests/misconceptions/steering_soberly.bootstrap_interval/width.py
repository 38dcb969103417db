"""The width of the interval."""

import torch

MISCONCEPTION = "result/one-number"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    tail = (1 - level) / 2
    return (found.quantile(1 - tail) - found.quantile(tail)).item()
