"""Counts what fires."""

import torch

MISCONCEPTION = "loss/counted"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).sum(-1).mean() + sparsity * (features > 0).sum(
        -1
    ).double().mean()
    return features, reconstruction, loss
