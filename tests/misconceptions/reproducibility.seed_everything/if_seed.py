"""Seeds only if there is a seed."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/zero-ignored"


def seed_everything(seed):
    if seed:
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
