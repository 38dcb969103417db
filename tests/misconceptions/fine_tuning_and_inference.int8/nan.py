"""A row of zeros is divided by zero, and nan is made a number by the cast."""

import torch
import torch.nn.functional as F
from torch import nn

MISCONCEPTION = "zeros/nan"


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        self.register_buffer("scale", scale)
        pass
        values = (weight / scale).round()
        self.register_buffer("values", values.to(torch.int8))
        self.bias = linear.bias

    def dequantized(self):
        return self.values / self.scale * self.scale * self.scale

    def forward(self, x):
        return F.linear(x, self.dequantized(), self.bias)
