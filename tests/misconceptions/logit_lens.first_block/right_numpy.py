"""NumPy's minimum.accumulate."""

import numpy as np
import torch

RIGHT = True


def first_leading_block(logits, answers):
    leads = (logits.numpy().argmax(-1) == answers.numpy()).astype(int)
    stays = np.minimum.accumulate(leads[::-1])
    return torch.from_numpy(len(leads) - stays.sum(0))
