"""A linear encoder."""

MISCONCEPTION = "encoder/no-relu"


def sae_forward(x, W_enc, b_enc, W_dec, b_dec, sparsity):
    features = (x - b_dec) @ W_enc + b_enc
    reconstruction = features @ W_dec + b_dec
    loss = ((x - reconstruction) ** 2).sum(-1).mean() + sparsity * features.sum(-1).mean()
    return features, reconstruction, loss
