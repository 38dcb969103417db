"""A triangle over the new tokens, False before."""

import torch

MISCONCEPTION = "mask/new-tokens-only"


def causal_mask(n_new, n_keys):
    mask = torch.zeros(n_new, n_keys, dtype=torch.bool)
    mask[:, n_keys - n_new :] = torch.ones(n_new, n_new, dtype=torch.bool).tril()
    return mask
