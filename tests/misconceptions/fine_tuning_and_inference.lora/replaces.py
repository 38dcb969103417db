"""The update instead of the base."""

import torch
from torch import nn

MISCONCEPTION = "base/left-out"


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        d_out, d_in = base.weight.shape
        dtype = base.weight.dtype
        scale = alpha / rank
        self.scale = scale
        self.A = nn.Parameter(torch.randn(rank, d_in, dtype=dtype) / rank)
        self.B = nn.Parameter(torch.zeros(d_out, rank, dtype=dtype))

    def forward(self, x):
        return self.scale * (x @ self.A.T @ self.B.T)

    @torch.no_grad()
    def merged(self):
        weight = self.base.weight + self.scale * self.B @ self.A
        layer = nn.Linear(*weight.T.shape, bias=self.base.bias is not None, dtype=weight.dtype)
        layer.weight.copy_(weight)
        if self.base.bias is not None:
            layer.bias.copy_(self.base.bias)
        return layer
