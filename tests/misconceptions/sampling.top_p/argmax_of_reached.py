"""The first place where the sum reaches p, found by argmax."""

import torch

MISCONCEPTION = "boundary/p-of-one"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    reached = torch.softmax(ordered, dim=-1).cumsum(dim=-1) >= p
    last = reached.int().argmax(dim=-1, keepdim=True)
    keep = torch.arange(logits.shape[-1], device=logits.device) <= last
    return logits.masked_fill(~keep.scatter(-1, indices, keep), float("-inf"))
