"""numpy's polyfit, sample by sample."""

import numpy as np
import torch

RIGHT = True


def steerability(strengths, differences):
    slopes = []
    for row in differences:
        slope, _ = np.polyfit(strengths.numpy(), row.numpy(), 1)
        slopes.append(slope)
    return torch.tensor(slopes)
