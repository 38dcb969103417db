"""Logits are [batch, vocab]."""

import torch

MISCONCEPTION = "axis/wrong-dimension"


def top_k_filter(logits, k):
    values, indices = torch.topk(logits, min(k, logits.shape[-1]), dim=1)
    result = torch.full_like(logits, float("-inf"))
    return result.scatter(1, indices, values)
