"""Python's choices."""

import random

import torch

RIGHT = True


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    rng = random.Random(seed)
    rows = range(len(values))
    found = []
    for _ in range(n_resamples):
        drawn = rng.choices(rows, k=len(rows))
        found.append(float(statistic(values[drawn])))
    found = torch.tensor(found)
    return torch.quantile(found, (1 - level) / 2), torch.quantile(found, (1 + level) / 2)
