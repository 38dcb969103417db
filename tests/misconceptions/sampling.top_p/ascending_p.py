"""Drop from the bottom while the sum is within p."""

import torch

MISCONCEPTION = "meaning/one-minus-p"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1)
    remove = torch.softmax(ordered, dim=-1).cumsum(dim=-1) <= p
    remove[..., -1] = False
    return logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
