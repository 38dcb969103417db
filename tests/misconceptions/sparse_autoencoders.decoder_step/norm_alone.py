"""Normalizes after the step."""

import torch

MISCONCEPTION = "gradient/whole"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
