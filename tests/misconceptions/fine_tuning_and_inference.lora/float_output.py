"""Computed in float32, whatever comes in."""

import torch
from torch import nn

MISCONCEPTION = "dtype/output"


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        d_out, d_in = base.weight.shape
        self.A = nn.Parameter(torch.randn(rank, d_in, dtype=base.weight.dtype))
        self.B = nn.Parameter(torch.zeros(d_out, rank, dtype=base.weight.dtype))

    def forward(self, x):
        return (self.base(x) + self.scale * (x @ self.A.T @ self.B.T)).float()

    @torch.no_grad()
    def merged(self):
        base = self.base
        layer = nn.Linear(
            base.in_features, base.out_features, base.bias is not None, dtype=base.weight.dtype
        )
        layer.weight.copy_(base.weight + self.scale * self.B @ self.A)
        if base.bias is not None:
            layer.bias.copy_(base.bias)
        return layer
