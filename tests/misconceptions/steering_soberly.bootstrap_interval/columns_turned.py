"""The same rows for each column, in another order."""

import torch

MISCONCEPTION = "rows/apart"


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = len(values)
    found = []
    for _ in range(n_resamples):
        rows = torch.randint(n, (n,), generator=generator)
        drawn = values[rows]
        if values.dim() > 1:
            columns = [column.roll(j) for j, column in enumerate(drawn.T)]
            drawn = torch.stack(columns, dim=1)
        found.append(float(statistic(drawn)))
    found = torch.tensor(found, dtype=torch.float64)
    tail = (1 - level) / 2
    return found.quantile(tail).item(), found.quantile(1 - tail).item()
