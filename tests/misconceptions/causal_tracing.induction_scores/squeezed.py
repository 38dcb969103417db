"""Drops the batch where it is 1, and averages the rest."""

import torch

MISCONCEPTION = "shape/wrong"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    weights = patterns.squeeze()[..., queries, queries - n + 1].mean(-1)
    return weights.mean(1)
