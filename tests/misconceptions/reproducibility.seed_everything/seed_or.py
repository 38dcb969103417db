"""No seed given means a random one; and 0 looks like none."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/zero-ignored"


def seed_everything(seed):
    seed = seed or random.randrange(2**32)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
