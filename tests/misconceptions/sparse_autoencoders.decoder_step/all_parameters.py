"""Treats every parameter as a decoder."""

import torch

MISCONCEPTION = "others/changed"


def decoder_step(W_dec, optimizer):
    parameters = optimizer.param_groups[0]["params"]
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
        for parameter in parameters:
            parameter /= parameter.norm(dim=-1, keepdim=True)
