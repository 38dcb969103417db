"""Weighs the error."""

import torch

MISCONCEPTION = "loss/swapped"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    squared = (x - reconstruction).square().sum(-1)
    return features, reconstruction, (sparsity * squared + features.sum(-1)).mean()
