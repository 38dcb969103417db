"""Clears the gradients first."""

import torch

MISCONCEPTION = "gradient/zero"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        optimizer.zero_grad(set_to_none=False)
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
