"""From the bottom drop what stays within 1 - p."""

import torch

RIGHT = True


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, descending=False)
    remove = ordered.softmax(dim=-1).cumsum(dim=-1) <= (1 - p)
    remove[..., -1:] = 0
    return logits.masked_fill(remove.scatter(-1, indices, remove), -float("inf"))
