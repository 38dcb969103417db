"""A new parameter of norm 1."""

import torch

MISCONCEPTION = "parameter/replaced"


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        along = (W_dec.grad * W_dec).sum(-1, keepdim=True)
        W_dec.grad -= along * W_dec
        optimizer.step()
        unit = W_dec / W_dec.norm(dim=-1, keepdim=True)
        optimizer.param_groups[0]["params"][0] = torch.nn.Parameter(unit)
