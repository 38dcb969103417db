"""Compares each layer with the next."""

import torch

MISCONCEPTION = "reference/previous-layer"


def kl_to_final(logits):
    logs = logits.log_softmax(-1)
    following = torch.cat([logs[1:], logs[-1:]])
    return (following.exp() * (following - logs)).sum(-1)
