"""The cache had one more before."""

import torch

MISCONCEPTION = "mask/off-by-one"


def causal_mask(n_new, n_keys):
    cached = n_keys > n_new
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new + cached)
