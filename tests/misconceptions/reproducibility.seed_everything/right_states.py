"""The legacy state and a generator's state."""

import random

import numpy as np
import torch

RIGHT = True


def seed_everything(seed):
    random.setstate(random.Random(seed).getstate())
    np.random.set_state(np.random.RandomState(seed).get_state())
    torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
