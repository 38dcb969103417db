"""Weights are all there is."""

from torch import nn
from transformers.pytorch_utils import Conv1D

MISCONCEPTION = "attention/forgotten"


def flops_per_token(model, length):
    maps = [m for m in model.modules() if isinstance(m, nn.Linear | Conv1D)]
    products = 2 * sum(m.weight.numel() for m in maps)
    return products
