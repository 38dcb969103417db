"""numpy's generator and percentiles."""

import numpy as np
import torch

RIGHT = True


def bootstrap_interval(values, statistic, level=0.95, n_resamples=1000, seed=0):
    rng = np.random.default_rng(seed)
    n = len(values)
    found = [statistic(values[torch.from_numpy(rng.integers(0, n, n))]) for _ in range(n_resamples)]
    return np.percentile(found, [50 * (1 - level), 50 * (1 + level)])
