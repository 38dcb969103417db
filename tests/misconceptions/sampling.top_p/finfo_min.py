"""The smallest number of the dtype stands for -inf."""

import torch

MISCONCEPTION = "fill/finite"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    remove = remove.scatter(-1, indices, remove)
    return logits.masked_fill(remove, torch.finfo(logits.dtype).min)
