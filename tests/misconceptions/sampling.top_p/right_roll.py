"""What comes after the sum has reached p is dropped: roll by one."""

import torch

RIGHT = True


def top_p_filter(logits, p):
    ordered, indices = logits.sort(dim=-1, descending=True)
    remove = (ordered.softmax(dim=-1).cumsum(dim=-1) >= p).roll(1, dims=-1)
    remove[..., 0] = False
    return logits.masked_fill(torch.zeros_like(remove).scatter(-1, indices, remove), -torch.inf)
