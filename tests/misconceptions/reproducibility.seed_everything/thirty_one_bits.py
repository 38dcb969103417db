"""Cuts the seed to 31 bits, to be on the safe side."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/cut"


def seed_everything(seed):
    seed %= 2**31
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
