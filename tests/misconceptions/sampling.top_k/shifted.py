"""Subtract the maximum for stability."""

import torch

MISCONCEPTION = "result/changes-kept-logits"


def top_k_filter(logits, k):
    values = torch.topk(logits, min(k, logits.shape[-1]), dim=-1).values
    kept = logits.masked_fill(logits < values[..., -1:], float("-inf"))
    return kept - values[..., :1]
