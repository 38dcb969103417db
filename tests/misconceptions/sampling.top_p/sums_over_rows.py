"""cumsum(0) sums up."""

import torch

MISCONCEPTION = "axis/wrong-dimension"


def top_p_filter(logits, p):
    ordered, order = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True)
    mass_before = ordered.cumsum(0) - ordered
    drop = mass_before >= p
    return logits.masked_fill(drop.scatter(-1, order, drop), float("-inf"))
