"""mask == 0 is masked, whatever the dtype."""

import math

import torch

MISCONCEPTION = "mask/float-read-as-boolean"


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask == 0, float("-inf"))
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights
