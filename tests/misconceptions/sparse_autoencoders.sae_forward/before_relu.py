"""Gives back what comes before the ReLU."""

MISCONCEPTION = "encoder/no-relu"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    before = (x - b_dec) @ W_enc + b_enc
    reconstruction = before.relu() @ W_dec + b_dec
    error = ((x - reconstruction) ** 2).sum(-1)
    return before, reconstruction, (error + sparsity * before.relu().sum(-1)).mean()
