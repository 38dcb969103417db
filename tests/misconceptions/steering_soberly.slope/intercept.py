"""Takes the wrong coefficient of the fit."""

import torch

MISCONCEPTION = "line/intercept"


def steerability(strengths, differences):
    ones = torch.ones_like(strengths)
    design = torch.stack([ones, strengths], dim=1)
    return torch.linalg.lstsq(design, differences.T).solution[0]
