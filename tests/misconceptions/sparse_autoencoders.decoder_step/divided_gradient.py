"""Divides the gradient by its norm."""

import torch

MISCONCEPTION = "gradient/normalized"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        W_dec.grad -= (W_dec.grad * W_dec).sum(-1, keepdim=True) * W_dec
        W_dec.grad /= W_dec.grad.norm(dim=-1, keepdim=True)
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
