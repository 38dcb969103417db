"""Adds up."""

import torch

MISCONCEPTION = "average/sum"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n + 1].sum(dim=(1, 3))
