"""tril() alone."""

import torch

MISCONCEPTION = "mask/top-left"


def causal_mask(n_new, n_keys):
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril()
