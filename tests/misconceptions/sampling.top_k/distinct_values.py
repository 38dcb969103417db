"""The k largest values: unique() sorts them."""

import torch

MISCONCEPTION = "ties/keeps-k-distinct-values"


def top_k_filter(logits, k):
    rows = []
    for row in logits.reshape(-1, logits.shape[-1]):
        values = torch.unique(row)
        rows.append(row.masked_fill(row < values[-min(k, len(values))], float("-inf")))
    return torch.stack(rows).reshape(logits.shape)
