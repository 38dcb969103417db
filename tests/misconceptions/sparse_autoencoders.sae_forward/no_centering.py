"""Encodes x as it is."""

import torch

MISCONCEPTION = "encoder/no-centering"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu(x @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).sum(-1).mean() + sparsity * features.sum(-1).mean()
    return features, reconstruction, loss
