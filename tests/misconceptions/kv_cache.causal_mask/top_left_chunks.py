"""One token sees all; a chunk gets the plain triangle."""

import torch

MISCONCEPTION = "mask/top-left"


def causal_mask(n_new, n_keys):
    if n_new == 1:
        return torch.ones(1, n_keys, dtype=torch.bool)
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril()
