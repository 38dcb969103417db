"""torch.full makes the result."""

import torch

MISCONCEPTION = "device/wrong"


def top_k_filter(logits, k):
    values, indices = logits.topk(min(k, logits.shape[-1]), dim=-1)
    result = torch.full(logits.shape, float("-inf"), dtype=logits.dtype)
    return result.scatter(-1, indices, values)
