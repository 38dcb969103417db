"""A negative number in a mask means: hidden."""

import math

import torch

MISCONCEPTION = "mask/float-read-as-boolean"


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, float("-inf"))
        else:
            scores = scores.masked_fill(mask < 0, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights
