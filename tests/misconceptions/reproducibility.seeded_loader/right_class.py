"""A callable object, and options put together first."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

RIGHT = True


class Seeds:
    def __call__(self, worker_id):
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng(np.random.SeedSequence(info.seed).spawn(1)[0])


def seeded_loader(dataset, batch_size, seed, **workers):
    options = dict(workers, shuffle=True, batch_size=batch_size, worker_init_fn=Seeds())
    return DataLoader(dataset, generator=torch.Generator().manual_seed(seed + 1), **options)
