"""L2 in place of L1."""

import torch

MISCONCEPTION = "loss/squared-features"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).sum(-1).mean() + sparsity * (features**2).sum(-1).mean()
    return features, reconstruction, loss
