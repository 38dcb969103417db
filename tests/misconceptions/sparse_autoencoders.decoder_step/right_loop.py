"""Row by row."""

import torch

RIGHT = True


def decoder_step(W_dec, optimizer):
    with torch.no_grad():
        for row, gradient in zip(W_dec, W_dec.grad, strict=True):
            gradient.sub_(row * (gradient @ row) / (row @ row))
        optimizer.step()
        for row in W_dec:
            row.div_(row.norm())
