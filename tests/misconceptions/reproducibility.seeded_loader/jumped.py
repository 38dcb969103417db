"""Jumps ahead in the stream that it was given a copy of."""

import torch
from torch.utils.data import DataLoader, get_worker_info

MISCONCEPTION = "streams/same-every-epoch"


def seeded_loader(dataset, batch_size, seed, **workers):
    def seed_worker(worker_id):
        dataset = get_worker_info().dataset
        for _ in range(worker_id):
            dataset.rng.random()
            dataset.rng = dataset.rng.spawn(1)[0]
        dataset.rng = dataset.rng.spawn(2)[1]

    generator = torch.Generator().manual_seed(seed)
    return DataLoader(
        dataset,
        batch_size,
        shuffle=True,
        generator=generator,
        worker_init_fn=seed_worker,
        **workers,
    )
