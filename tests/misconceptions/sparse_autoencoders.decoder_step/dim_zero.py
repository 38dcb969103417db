"""Sums over the rows."""

import torch

MISCONCEPTION = "gradient/all-rows"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        W_dec.grad -= (W_dec.grad * W_dec).sum(0) * W_dec
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
