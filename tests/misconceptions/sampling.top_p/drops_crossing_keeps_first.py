"""Drop what is above p, but always keep the best."""

import torch

MISCONCEPTION = "boundary/keeps-one-too-few"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    remove = torch.cumsum(torch.softmax(ordered, dim=-1), dim=-1) > p
    remove[..., 0] = False
    return logits.masked_fill(remove.scatter(-1, indices, remove), float("-inf"))
