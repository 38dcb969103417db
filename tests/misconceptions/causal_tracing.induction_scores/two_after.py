"""Counts the token after from 1."""

import torch

MISCONCEPTION = "key/two-after"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n + 2].mean(dim=(1, 3))
