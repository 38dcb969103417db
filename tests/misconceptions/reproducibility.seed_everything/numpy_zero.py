"""A zero left over from trying it out."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/not-the-argument"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(0)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
