"""masked_fill keeps where the mask is true."""

import torch

MISCONCEPTION = "direction/mask-inverted"


def top_k_filter(logits, k):
    indices = logits.topk(min(k, logits.shape[-1]), dim=-1).indices
    mask = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, indices, True)
    return logits.masked_fill(mask, float("-inf"))
