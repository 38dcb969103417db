"""The mask is for later."""

import math

import torch

MISCONCEPTION = "mask/ignored"


def attention(q, k, v, mask=None):
    weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1)
    return weights @ v, weights
