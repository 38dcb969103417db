"""Zero, for the order."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "order/seed-ignored"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng([info.seed, seed])

    generator = torch.Generator().manual_seed(0)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
