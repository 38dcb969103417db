"""Keep the logits normalized."""

import torch

MISCONCEPTION = "result/log-probabilities"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    kept = ordered.masked_fill(remove, float("-inf")).log_softmax(dim=-1)
    return torch.empty_like(logits).scatter(-1, indices, kept)
