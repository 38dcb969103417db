"""softmax, over the first dimension."""

import torch

MISCONCEPTION = "scale/softmax-over-wrong-dimension"


def top_p_filter(logits, p):
    probabilities, indices = torch.softmax(logits, dim=0).sort(dim=-1, descending=True)
    remove = probabilities.cumsum(dim=-1) - probabilities >= p
    return logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
