"""NumPy and torch: who shuffles with random?"""

import numpy as np
import torch

MISCONCEPTION = "stream/python"


def seed_everything(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
