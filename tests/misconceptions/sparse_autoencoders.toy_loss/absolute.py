"""Absolute errors."""

import torch

MISCONCEPTION = "error/absolute"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
    return (importance.unsqueeze(-2) * (x - out).abs()).sum(-1).mean(-1)
