"""Tensors as plain attributes."""

import torch
from torch import nn

MISCONCEPTION = "kept/not-registered"


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight.data
        largest = torch.stack([row.abs().max() for row in weight])
        self.scale = (largest / 127).clamp(min=1e-12)
        self.values = torch.round(weight / self.scale[:, None]).to(torch.int8)
        self.bias = linear.bias

    def dequantized(self):
        return torch.einsum("oi,o->oi", self.values.to(self.scale.dtype), self.scale)

    def forward(self, x):
        y = torch.einsum("...i,oi->...o", x, self.dequantized())
        return y if self.bias is None else y + self.bias
