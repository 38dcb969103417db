"""tril with a diagonal."""

import torch

RIGHT = True


def causal_mask(n_new, n_keys):
    return torch.ones(n_new, n_keys, dtype=torch.bool).tril(diagonal=n_keys - n_new)
