"""torch is what trains, so torch is what is seeded."""

import torch

MISCONCEPTION = "stream/python"


def seed_everything(seed):
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
