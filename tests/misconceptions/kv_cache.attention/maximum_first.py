"""The maximum of the scores before masking."""

import math

import torch

MISCONCEPTION = "math/unstable-softmax"


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    largest = scores.amax(-1, keepdim=True)
    if mask is not None:
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, float("-inf"))
        else:
            scores = scores + mask
    weights = (scores - largest).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return weights @ v, weights
