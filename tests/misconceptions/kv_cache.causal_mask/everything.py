"""With a cache nothing is hidden."""

import torch

MISCONCEPTION = "mask/everything"


def causal_mask(n_new, n_keys):
    if n_keys > n_new:
        return torch.ones(n_new, n_keys, dtype=torch.bool)
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new)
