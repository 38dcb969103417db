"""The standard error from the resamples, and the normal distribution."""

from statistics import NormalDist

import torch

MISCONCEPTION = "interval/normal"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        found.append(float(statistic(values[rows])))
    found = torch.tensor(found, dtype=torch.float64)
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle, error = float(statistic(values)), found.std().item()
    return middle - z * error, middle + z * error
