"""Thinks of a batch of models alone."""

import torch

MISCONCEPTION = "models/needed"


def toy_loss(x, W, b, importance):
    models = W.flatten(0, -3)
    hidden = torch.bmm(x.flatten(0, -3), models.mT)
    out = torch.relu(torch.bmm(hidden, models).view(x.shape) + b.unsqueeze(-2))
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1)
