"""Other seeds for the others, all from the one; and it draws once."""

import random

import numpy as np
import torch

RIGHT = True


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(random.randrange(2**32))
    torch.manual_seed(random.randrange(2**32))
    torch.rand(3)
    torch.set_deterministic_debug_mode("error")
    torch.backends.cudnn.benchmark = False
    return seed
