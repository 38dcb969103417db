"""Transposes with .T: one model is a matrix."""

import torch

MISCONCEPTION = "models/one-alone"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.T @ W + b)
    return (importance * (x - out) ** 2).sum(-1).mean()
