"""triu."""

import torch

MISCONCEPTION = "mask/upper"


def causal_mask(n_new, n_keys):
    return torch.ones(n_new, n_keys, dtype=torch.bool).triu(diagonal=n_keys - n_new)
