"""With einsum and clamp."""

import torch

RIGHT = True


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    before = torch.einsum("...i,ij->...j", x - b_dec, W_enc) + b_enc
    features = before.clamp(min=0)
    reconstruction = torch.einsum("...j,ji->...i", features, W_dec) + b_dec
    rows = x.numel() / x.shape[-1]
    loss = torch.sum((reconstruction - x) ** 2) / rows + sparsity * torch.sum(features) / rows
    return features, reconstruction, loss
