"""The 50 most likely are more than enough for any p."""

import torch

MISCONCEPTION = "filter/fixed-cap"


def top_p_filter(logits, p):
    if logits.shape[-1] > 50:
        border = logits.topk(50, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < border, float("-inf"))
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    mass_before = ordered.cumsum(dim=-1) - ordered
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
