"""F.linear twice; the weight merged in a copy of the base."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

RIGHT = True


class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        for parameter in base.parameters():
            parameter.requires_grad = False
        self.base, self.rank, self.alpha = base, rank, alpha
        self.A = nn.Parameter(torch.empty_like(base.weight[:1]).repeat(rank, 1))
        self.B = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x):
        low = F.linear(x, self.A)
        return self.base(x) + F.linear(low, self.B) * (self.alpha / self.rank)

    def merged(self):
        layer = copy.deepcopy(self.base)
        layer.weight.data += self.alpha / self.rank * (self.B @ self.A).data
        return layer
