"""Keys first."""

import torch

MISCONCEPTION = "axes/query-and-key-swapped"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries - n + 1, queries].mean(dim=(1, 3))
