"""The merged weight is the update."""

import copy

import torch
from torch import nn

MISCONCEPTION = "merge/update-alone"


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
        layer = copy.deepcopy(self.base)
        layer.weight.copy_(self.scale * self.B @ self.A)
        return layer
