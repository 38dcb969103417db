"""The generator shuffles, one would think."""

import numpy as np
import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "order/not-shuffled"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng(info.seed)

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset, batch_size, generator=generator, worker_init_fn=seed_worker, **workers
    )
