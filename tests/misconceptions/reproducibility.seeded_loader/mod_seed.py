"""A seed of a few digits; the same for many runs."""

import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "streams/seed-ignored"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        get_worker_info().dataset.rng = np.random.default_rng([worker_id, next(epochs)])

    generator = torch.Generator().manual_seed(seed)
    epochs = itertools.count()
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
