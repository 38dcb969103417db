"""2.5 % at each end, whatever the level."""

import torch

MISCONCEPTION = "level/ignored"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    return found.quantile(0.025).item(), found.quantile(0.975).item()
