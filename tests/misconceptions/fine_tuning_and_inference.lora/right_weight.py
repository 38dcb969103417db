"""The whole weight at every call."""

import torch
import torch.nn.functional as F
from torch import nn

RIGHT = True


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.weight = nn.Parameter(base.weight.detach(), requires_grad=False)
        self.bias = base.bias
        base.requires_grad_(False)
        self.scaling = alpha / rank
        self.A = nn.Parameter(torch.zeros_like(base.weight[0]).expand(rank, -1).clone())
        nn.init.normal_(self.A, std=0.02)
        self.B = nn.Parameter(torch.zeros_like(base.weight[:, :1]).expand(-1, rank).clone())

    def _weight(self):
        return self.weight + self.scaling * torch.einsum("or,ri->oi", self.B, self.A)

    def forward(self, x):
        return F.linear(x, self._weight(), self.bias)

    def merged(self):
        rows, columns = self.weight.shape
        layer = nn.Linear(columns, rows, bias=self.bias is not None, dtype=self.weight.dtype)
        layer.weight.data = self._weight().detach()
        if self.bias is not None:
            layer.bias.data = self.bias.detach().clone()
        return layer
