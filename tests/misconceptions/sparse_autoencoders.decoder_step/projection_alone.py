"""What goes along the rows is gone: the norm stays."""

import torch

MISCONCEPTION = "norm/not-kept"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
