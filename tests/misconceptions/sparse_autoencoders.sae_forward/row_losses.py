"""Averages over the first dimension alone."""

import torch

MISCONCEPTION = "loss/not-averaged"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = (((x - reconstruction) ** 2).sum(-1) + sparsity * features.sum(-1)).mean(0)
    return features, reconstruction, loss
