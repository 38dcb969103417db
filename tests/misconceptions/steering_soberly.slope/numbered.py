"""Fits against 0, 1, 2, … in place of the strengths."""

import torch

MISCONCEPTION = "line/equal-steps"


def steerability(strengths, differences):
    x = torch.arange(len(strengths), dtype=differences.dtype)
    x = x - x.mean()
    return differences @ x / (x @ x)
