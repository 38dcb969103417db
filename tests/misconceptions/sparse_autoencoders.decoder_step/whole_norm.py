"""Divides by the norm."""

import torch

MISCONCEPTION = "norm/whole"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
        W_dec /= W_dec.norm()
