"""random and torch."""

import random

import torch

MISCONCEPTION = "stream/numpy"


def seed_everything(seed):
    random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
