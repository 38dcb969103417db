"""Drop every token whose cumulative probability is above p."""

import torch

MISCONCEPTION = "boundary/keeps-one-too-few"


def top_p_filter(logits, p):
    ordered, indices = torch.sort(logits, dim=-1, descending=True)
    cumulative = torch.cumsum(torch.softmax(ordered, dim=-1), dim=-1)
    remove = (cumulative > p).scatter(-1, indices, cumulative > p)
    return logits.masked_fill(remove, float("-inf"))
