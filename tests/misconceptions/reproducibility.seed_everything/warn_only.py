"""An error would stop the run."""

import random

import numpy as np
import torch

MISCONCEPTION = "deterministic/warns-only"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
