"""A seed drawn from the worker's stream; a sampler that shuffles."""

import numpy as np
import torch
from torch.utils.data import DataLoader, RandomSampler, get_worker_info

RIGHT = True


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        low = int(torch.randint(2**62, ()))
        get_worker_info().dataset.rng = np.random.Generator(np.random.PCG64(low))

    generator = torch.Generator()
    generator.manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        sampler=RandomSampler(dataset, generator=generator),
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
