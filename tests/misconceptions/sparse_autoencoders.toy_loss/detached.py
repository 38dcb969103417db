"""Sends the hidden layer on without its gradient."""

import torch

MISCONCEPTION = "gradient/cut"


def toy_loss(x, W, b, importance):
    hidden = (x @ W.mT).detach()
    out = torch.relu(hidden @ W + b.unsqueeze(-2))
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1)
