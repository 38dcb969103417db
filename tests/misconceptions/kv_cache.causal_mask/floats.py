"""Ones and zeros."""

import torch

MISCONCEPTION = "mask/not-boolean"


def causal_mask(n_new, n_keys):
    return torch.ones(n_new, n_keys).tril(diagonal=n_keys - n_new)
