"""Keep what is larger than the k-th."""

import torch

MISCONCEPTION = "boundary/keeps-one-too-few"


def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    threshold = torch.topk(logits, k, dim=-1).values[..., -1:]
    return torch.where(logits > threshold, logits, float("-inf"))
