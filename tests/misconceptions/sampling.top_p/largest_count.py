"""As many for every row as the longest row needs."""

import torch

MISCONCEPTION = "axis/one-row-for-all"


def top_p_filter(logits, p):
    ordered = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True).values
    count = int((ordered.cumsum(dim=-1) < p).sum(dim=-1).max()) + 1
    threshold = logits.topk(min(count, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))
