"""All features alike."""

import torch

MISCONCEPTION = "importance/missing"


def toy_loss(x, W, b, importance):
    out = torch.relu(x @ W.mT @ W + b.unsqueeze(-2))
    return ((x - out) ** 2).sum(-1).mean(-1)
