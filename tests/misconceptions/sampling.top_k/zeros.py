"""Dropped means zero."""

import torch

MISCONCEPTION = "fill/zero"


def top_k_filter(logits, k):
    values, indices = logits.topk(min(k, logits.shape[-1]), dim=-1)
    return torch.zeros_like(logits).scatter(-1, indices, values)
