"""A stream for each worker."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "streams/same-every-epoch"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        get_worker_info().dataset.rng = np.random.default_rng(worker_id)

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
