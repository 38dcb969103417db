"""The mean over all queries."""

import torch

MISCONCEPTION = "queries/divided-by-all"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n + 1].mean(1).sum(-1) / patterns.shape[-1]
