"""The two lines that everybody copies."""

import random

import numpy as np
import torch

MISCONCEPTION = "deterministic/cudnn-only"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
