"""One call in a loop, and the GPU's variable."""

import os
import random

import numpy as np
import torch

RIGHT = True


def seed_everything(seed):
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    for seed_it in (random.seed, np.random.seed, torch.manual_seed, torch.cuda.manual_seed_all):
        seed_it(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
