"""The matrix Wᵀ W at once."""

import torch

RIGHT = True


def toy_loss(x, W, b, importance):
    square = W.transpose(-2, -1) @ W
    out = torch.maximum(x @ square + b.unsqueeze(-2), torch.zeros_like(x))
    weights = importance.unsqueeze(-2).expand_as(x)
    return torch.mean(torch.sum(weights * torch.square(out - x), dim=-1), dim=-1)
