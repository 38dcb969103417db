"""F.mse_loss."""

import torch

MISCONCEPTION = "loss/averaged"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).mean() + sparsity * features.sum(-1).mean()
    return features, reconstruction, loss
