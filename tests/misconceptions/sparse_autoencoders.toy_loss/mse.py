"""A mean squared error: over features as well."""

import torch

MISCONCEPTION = "average/features"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
    return (importance.unsqueeze(-2) * (x - out) ** 2).mean((-1, -2))
