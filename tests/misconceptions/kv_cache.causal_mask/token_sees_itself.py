"""A single token needs no mask but its own."""

import torch

MISCONCEPTION = "mask/new-tokens-only"


def causal_mask(n_new, n_keys):
    if n_new == 1:
        return torch.arange(n_keys)[None] == n_keys - 1
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new)
