"""Averages over the first dimension."""

import torch

MISCONCEPTION = "rows/first-alone"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = (((x - reconstruction) ** 2).sum() + sparsity * features.sum()) / len(x)
    return features, reconstruction, loss
