"""Inputs in int8, too."""

import torch
import torch.nn.functional as F
from torch import nn

MISCONCEPTION = "forward/inputs-rounded"


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1, keepdim=True) / 127
        self.register_buffer("scale", scale)
        steps = weight / torch.where(scale > 0, scale, 1.0)
        self.register_buffer("values", steps.round().to(torch.int8))
        self.bias = linear.bias

    def dequantized(self):
        return self.values * self.scale

    def forward(self, x):
        step = x.abs().amax(-1, keepdim=True) / 127
        return F.linear((x / step).round() * step, self.dequantized(), self.bias)
