"""Saves memory."""

import torch

MISCONCEPTION = "gradient/lost"


@torch.no_grad()
def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).sum(-1).mean() + sparsity * features.sum(-1).mean()
    return features, reconstruction, loss
