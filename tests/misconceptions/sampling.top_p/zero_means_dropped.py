"""What is still zero after the scatter was dropped."""

import torch

MISCONCEPTION = "fill/loses-zero-logits"


def top_p_filter(logits, p):
    if p == 1:
        return logits.clone()
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    ordered = ordered.masked_fill(probabilities.cumsum(dim=-1) - probabilities >= p, 0.0)
    result = torch.zeros_like(logits).scatter(-1, indices, ordered)
    return result.masked_fill(result == 0, float("-inf"))
