"""A loop over the rows."""

import torch

MISCONCEPTION = "shape/fails-on-some-batch-shapes"


def top_k_filter(logits, k):
    result = torch.full_like(logits, float("-inf"))
    for i in range(logits.shape[0]):
        values, indices = logits[i].topk(min(k, logits.shape[1]))
        result[i, indices] = values
    return result
