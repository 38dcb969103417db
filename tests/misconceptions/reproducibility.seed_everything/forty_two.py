"""42, as everywhere."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/fixed"


def seed_everything(seed):
    random.seed(42)
    np.random.seed(42)
    torch.manual_seed(42)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
