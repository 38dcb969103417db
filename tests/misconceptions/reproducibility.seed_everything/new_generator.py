"""NumPy's documentation recommends default_rng."""

import random

import numpy as np
import torch

MISCONCEPTION = "stream/numpy"


def seed_everything(seed):
    random.seed(seed)
    np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
