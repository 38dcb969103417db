"""Weights times mask."""

import math

import torch

MISCONCEPTION = "mask/multiplied-after-softmax"


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        if mask.dtype != torch.bool:
            scores = scores + mask
    weights = torch.softmax(scores, dim=-1)
    if mask is not None and mask.dtype == torch.bool:
        weights = weights * mask
    return weights @ v, weights
