"""The weights are made on the GPU."""

import random

import numpy as np
import torch

MISCONCEPTION = "stream/torch"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
