"""0 and -inf, to be added."""

import torch

MISCONCEPTION = "mask/not-boolean"


def causal_mask(n_new, n_keys):
    return torch.full((n_new, n_keys), float("-inf")).triu(n_keys - n_new + 1)
