"""Resample by resample, sorted at the end."""

import torch

RIGHT = True


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    torch.manual_seed(seed)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(0, values.shape[0], (values.shape[0],))
        found.append(float(statistic(values[rows])))
    found.sort()
    cut = int(n_resamples * (1 - level) / 2)
    return found[cut], found[n_resamples - 1 - cut]
