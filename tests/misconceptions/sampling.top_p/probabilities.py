"""Filter the probabilities."""

import torch

MISCONCEPTION = "result/probabilities"


def top_p_filter(logits, p):
    ordered, indices = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    kept = ordered.masked_fill(ordered.cumsum(dim=-1) - ordered >= p, 0.0)
    kept = torch.zeros_like(logits).scatter(-1, indices, kept)
    return kept / kept.sum(dim=-1, keepdim=True)
