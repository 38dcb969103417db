"""Seeds, and nothing else."""

import random

import numpy as np
import torch

MISCONCEPTION = "deterministic/not-asked"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
