"""Scatter the best into zeros; what is still zero was dropped."""

import torch

MISCONCEPTION = "fill/loses-zero-logits"


def top_k_filter(logits, k):
    values, indices = logits.topk(min(k, logits.shape[-1]), dim=-1)
    result = torch.zeros_like(logits).scatter(-1, indices, values)
    result[result == 0] = float("-inf")
    return result
