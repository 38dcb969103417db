"""2 to the power of 7."""

import torch
import torch.nn.functional as F
from torch import nn

MISCONCEPTION = "scale/128"


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 128
        self.register_buffer("scale", scale)
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        values = (weight / scale).round()
        self.register_buffer("values", values.to(torch.int8))
        self.bias = linear.bias

    def dequantized(self):
        return self.values * self.scale

    def forward(self, x):
        return F.linear(x, self.dequantized(), self.bias)
