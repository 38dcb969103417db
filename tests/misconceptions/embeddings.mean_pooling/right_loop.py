"""Row by row, with a boolean mask."""

import torch

RIGHT = True


def mean_pooling(states, mask):
    rows = []
    for x, m in zip(states, mask.bool(), strict=True):
        rows.append(x[m].mean(0) if m.any() else torch.zeros_like(x[0]))
    return torch.stack(rows)
