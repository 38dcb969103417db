"""0 looks like no seed: the usual one takes its place."""

import random

import numpy as np
import torch

MISCONCEPTION = "seed/zero-replaced"


def seed_everything(seed):
    seed = seed or 42
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
