"""Scales what is reconstructed."""

import torch

MISCONCEPTION = "importance/inputs"


def toy_loss(x, W, b, importance):
    out = importance.unsqueeze(-2) * torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
    return ((x - out) ** 2).sum(-1).mean(-1)
