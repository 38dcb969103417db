"""The recipe of the documentation, for NumPy's global stream."""

import numpy as np
import torch
from torch.utils.data import DataLoader

MISCONCEPTION = "streams/left-alone"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        np.random.seed(torch.initial_seed() % 2**32)

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
