"""Without a case for zeros: the scale is never below a tiny number in the division."""

import torch
import torch.nn.functional as F
from torch import nn

RIGHT = True


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        self.register_buffer("scale", scale)
        scale = scale.clamp(min=1e-12)
        values = (weight / scale).round()
        self.register_buffer("values", values.to(torch.int8))
        self.bias = linear.bias

    def dequantized(self):
        return self.values * self.scale

    def forward(self, x):
        return F.linear(x, self.dequantized(), self.bias)
