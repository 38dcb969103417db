"""Gives every latent a gradient of the same size."""

import torch

MISCONCEPTION = "gradient/normalized"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        W_dec.grad /= W_dec.grad.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
