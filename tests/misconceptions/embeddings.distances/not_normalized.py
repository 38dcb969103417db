"""Thinks that all embeddings have length 1."""

import torch

MISCONCEPTION = "cosine/not-normalized"


def distances(a, b):
    dot = a @ b.T
    return torch.cdist(a, b), dot, 1 - dot
