"""Counts the epochs itself; each worker is a copy, in which the count begins anew."""

import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "streams/counted"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        get_worker_info().dataset.rng = np.random.default_rng([seed, worker_id, next(calls)])

    generator = torch.Generator().manual_seed(seed)
    calls = itertools.count()
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
