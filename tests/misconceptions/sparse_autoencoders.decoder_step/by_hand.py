"""A step of its own."""

import torch

MISCONCEPTION = "step/by-hand"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        W_dec -= optimizer.param_groups[0]["lr"] * W_dec.grad
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
