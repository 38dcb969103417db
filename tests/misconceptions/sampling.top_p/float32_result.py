"""torch.full makes the result, in its own dtype."""

import torch

MISCONCEPTION = "dtype/mixed"


def top_p_filter(logits, p):
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    keep = ordered.cumsum(dim=-1) - ordered < p
    values = logits.gather(-1, order).masked_fill(~keep, float("-inf"))
    return torch.full(logits.shape, 0.0, device=logits.device).scatter(-1, order, values)
