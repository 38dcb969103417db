"""The first token."""

import torch

MISCONCEPTION = "key/first-token"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, 0].mean(dim=(1, 3))
