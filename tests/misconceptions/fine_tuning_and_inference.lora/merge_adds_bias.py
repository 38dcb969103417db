"""A bias in any case, zeros where the base has none."""

import torch
from torch import nn

MISCONCEPTION = "merge/bias-added"


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scale = alpha / rank
        d_out, d_in = base.weight.shape
        self.A = nn.Parameter(torch.randn(rank, d_in, dtype=base.weight.dtype))
        self.B = nn.Parameter(torch.zeros(d_out, rank, dtype=base.weight.dtype))

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.A.T @ self.B.T)

    @torch.no_grad()
    def merged(self):
        base = self.base
        layer = nn.Linear(base.in_features, base.out_features, True, dtype=base.weight.dtype)
        layer.weight.copy_(base.weight + self.scale * self.B @ self.A)
        layer.bias.copy_(base.bias) if base.bias is not None else layer.bias.zero_()
        return layer
