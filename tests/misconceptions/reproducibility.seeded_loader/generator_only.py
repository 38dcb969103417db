"""The generator will see to the workers as well."""

import torch
from torch.utils.data import DataLoader

MISCONCEPTION = "streams/left-alone"


def seeded_loader(dataset, batch_size, seed, **workers):
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(dataset, batch_size, shuffle=True, generator=generator, **workers)
