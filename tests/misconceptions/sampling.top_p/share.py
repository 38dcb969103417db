"""p of the vocabulary stays."""

import math

import torch

MISCONCEPTION = "meaning/share-of-the-vocabulary"


def top_p_filter(logits, p):
    indices = logits.topk(math.ceil(p * logits.shape[-1]), dim=-1).indices
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, indices, False)
    return logits.masked_fill(dropped, float("-inf"))
