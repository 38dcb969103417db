"""topk knows what to do with k."""

import torch

MISCONCEPTION = "boundary/k-larger-than-vocabulary"


def top_k_filter(logits, k):
    threshold = torch.topk(logits, k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))
