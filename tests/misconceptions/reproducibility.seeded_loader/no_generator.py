"""worker_init_fn is what matters."""

import numpy as np
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "order/not-repeated"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        info = get_worker_info()
        info.dataset.rng = np.random.default_rng(info.seed)

    return DataLoader(dataset, batch_size, shuffle=True, worker_init_fn=seed_worker, **workers)
