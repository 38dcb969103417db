"""Forgets the bias."""

import torch

MISCONCEPTION = "bias/missing"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W)
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1)
