"""Leaves rows without tokens out."""

import torch

MISCONCEPTION = "empty/left-out"


def mean_pooling(states, mask):
    rows = [x[m.bool()].mean(0) for x, m in zip(states, mask, strict=True) if m.any()]
    return torch.stack(rows)
