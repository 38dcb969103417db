"""Forgets the dimensions in front."""

import torch

MISCONCEPTION = "index/outside"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[queries, queries - n + 1].mean(0)
