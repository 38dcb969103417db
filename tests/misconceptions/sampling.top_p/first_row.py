"""How many to keep is read from the first row."""

import torch

MISCONCEPTION = "axis/one-row-for-all"


def top_p_filter(logits, p):
    rows = logits.reshape(-1, logits.shape[-1])
    ordered = torch.softmax(rows[0], dim=-1).sort(descending=True).values
    count = int((ordered.cumsum(dim=-1) < p).sum()) + 1
    indices = logits.topk(min(count, logits.shape[-1]), dim=-1).indices
    dropped = torch.ones_like(logits, dtype=torch.bool).scatter(-1, indices, False)
    return logits.masked_fill(dropped, float("-inf"))
