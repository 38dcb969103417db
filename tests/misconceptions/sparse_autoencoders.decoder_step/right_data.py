""".data and F.normalize."""

import torch
import torch.nn.functional as F

RIGHT = True


def decoder_step(W_dec, optimizer):
    rows = W_dec.data
    along = torch.einsum("ni,ni->n", W_dec.grad, rows)
    W_dec.grad = W_dec.grad - along[:, None] * rows
    optimizer.step()
    W_dec.data = F.normalize(W_dec.data, dim=1)
