"""No token is above the k-th if k is the vocabulary's size."""

import torch

MISCONCEPTION = "boundary/k-larger-than-vocabulary"


def top_k_filter(logits, k):
    result = torch.full_like(logits, float("-inf"))
    if k < logits.shape[-1]:
        values, indices = logits.topk(k, dim=-1)
        result.scatter_(-1, indices, values)
    return result
