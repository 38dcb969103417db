"""The data set from outside: in a forked worker it is the worker's own."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

RIGHT = True


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        dataset.rng = np.random.default_rng([get_worker_info().seed, worker_id])

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
