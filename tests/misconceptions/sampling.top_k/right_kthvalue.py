"""kthvalue counts from the smallest."""

import torch

RIGHT = True


def top_k_filter(logits, k):
    size = logits.shape[-1]
    if k >= size:
        return logits
    threshold = torch.kthvalue(logits, size - k + 1, dim=-1, keepdim=True).values
    return logits.where(logits >= threshold, float("-inf"))
