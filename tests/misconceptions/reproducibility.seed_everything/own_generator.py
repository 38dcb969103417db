"""A generator for torch, as the loader has one."""

import random

import numpy as np
import torch

MISCONCEPTION = "stream/torch"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.Generator().manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
