"""A query sees the next token."""

import torch

MISCONCEPTION = "mask/off-by-one"


def causal_mask(n_new, n_keys):
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new + 1)
