"""seed() sounds as if it knew."""

import random

import numpy as np
import torch

MISCONCEPTION = "stream/none"


def seed_everything(seed):
    random.seed()
    np.random.seed()
    torch.seed()
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
