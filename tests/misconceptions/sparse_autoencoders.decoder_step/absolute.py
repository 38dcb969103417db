"""Takes the size of the part along the row."""

import torch

MISCONCEPTION = "gradient/added"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True).abs()
        W_dec.grad -= along * W_dec
        optimizer.step()
        W_dec /= W_dec.norm(dim=-1, keepdim=True)
