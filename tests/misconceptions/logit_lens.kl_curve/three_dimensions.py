"""Layers, batch, vocabulary."""

import torch

MISCONCEPTION = "dim/three-only"


def kl_to_final(logits):
    n_layers, batch, _ = logits.shape
    logs = logits.log_softmax(-1)
    curve = torch.zeros(n_layers, batch)
    for i in range(n_layers):
        curve[i] = (logs[-1].exp() * (logs[-1] - logs[i])).sum(-1)
    return curve
