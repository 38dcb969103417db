"""All numbers of rows at once, a tensor of two bounds."""

import torch

RIGHT = True


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(values), (n_resamples, len(values)), generator=generator)
    found = torch.tensor([float(statistic(values[r])) for r in rows])
    tail = (1 - level) / 2
    return found.quantile(torch.tensor([tail, 1 - tail]))
