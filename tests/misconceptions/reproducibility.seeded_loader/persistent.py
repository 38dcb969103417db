"""Keeps the workers, to spare their start; they are seeded once."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "streams/persistent"


def seed_worker(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


def seeded_loader(dataset, batch_size, seed, **workers):
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
        worker_init_fn=seed_worker,
        persistent_workers=workers.get("num_workers", 0) > 0,
        **workers,
    )
