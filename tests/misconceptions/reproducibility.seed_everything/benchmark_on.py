"""Deterministic algorithms are enough, are they not?"""

import random

import numpy as np
import torch

MISCONCEPTION = "deterministic/benchmark"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = True
