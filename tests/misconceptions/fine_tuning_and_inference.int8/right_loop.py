"""Row by row."""

import torch
from torch import nn

RIGHT = True


class Int8Linear(nn.Module):
    def __init__(self, linear):
        super().__init__()
        values = torch.zeros_like(linear.weight, dtype=torch.int8)
        scale = torch.zeros(len(values), 1)
        for i, row in enumerate(linear.weight.detach()):
            scale[i] = row.abs().max() / 127
            if scale[i] > 0:
                values[i] = torch.round(row / scale[i]).to(torch.int8)
        self.register_buffer("values", values)
        self.register_buffer("scale", scale)
        self.bias = None if linear.bias is None else nn.Parameter(linear.bias.detach().clone())

    def dequantized(self):
        return torch.stack([r * s for r, s in zip(self.values, self.scale, strict=True)])

    def forward(self, x):
        return torch.nn.functional.linear(x, self.dequantized(), self.bias)
