"""The sum of the sorted scores reaches p."""

import torch

MISCONCEPTION = "scale/cumulates-logits"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    remove = torch.cumsum(ordered, dim=-1) - ordered >= p
    return logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
