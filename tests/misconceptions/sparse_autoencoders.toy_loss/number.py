"""Gives a number to print."""

import torch

MISCONCEPTION = "gradient/lost"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1).detach()
