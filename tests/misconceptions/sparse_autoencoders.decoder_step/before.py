"""Normalizes first."""

import torch

MISCONCEPTION = "norm/before"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
