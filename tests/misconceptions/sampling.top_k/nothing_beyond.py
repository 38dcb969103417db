"""There are no k tokens, so nothing is kept."""

import torch

MISCONCEPTION = "boundary/k-larger-than-vocabulary"


def top_k_filter(logits, k):
    if k > logits.shape[-1]:
        return torch.full_like(logits, float("-inf"))
    threshold = torch.topk(logits, k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))
