"""exp without the maximum."""

import math

import torch

MISCONCEPTION = "math/unstable-softmax"


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, float("-inf"))
        else:
            scores = scores + mask
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    return weights @ v, weights
