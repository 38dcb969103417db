"""The L1 norm of the features, by norm()."""

import torch

RIGHT = True


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = torch.relu((x - b_dec) @ W_enc + b_enc)
    reconstruction = features @ W_dec + b_dec
    loss = (x - reconstruction).pow(2).sum(-1).mean() + sparsity * features.norm(p=1, dim=-1).mean()
    return features, reconstruction, loss
