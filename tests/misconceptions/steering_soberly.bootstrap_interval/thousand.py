"""Always a thousand resamples."""

import torch

MISCONCEPTION = "resample/number-ignored"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(1000):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    tail = (1 - level) / 2
    return found.quantile(tail).item(), found.quantile(1 - tail).item()
