"""The key is the token that comes next."""

import torch

MISCONCEPTION = "index/outside"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries + 1].mean(dim=(1, 3))
