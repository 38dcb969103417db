"""Row by row."""

import torch

RIGHT = True


def causal_mask(n_new, n_keys):
    mask = torch.zeros(n_new, n_keys, dtype=torch.bool)
    for i in range(n_new):
        mask[i, : n_keys - n_new + i + 1] = True
    return mask
