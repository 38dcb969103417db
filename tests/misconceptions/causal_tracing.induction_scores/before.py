"""The wrong side."""

import torch

MISCONCEPTION = "key/before"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n - 1].mean(dim=(1, 3))
