"""No ReLU: the features are numbers, after all."""

MISCONCEPTION = "relu/missing"


def toy_loss(x, W, b, importance):
    out = x @ W.mT @ W + b.unsqueeze(-2)
    return (importance.unsqueeze(-2) * (x - out) ** 2).sum(-1).mean(-1)
