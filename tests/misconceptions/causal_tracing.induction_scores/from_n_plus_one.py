"""The first token of the copy has nothing to go by."""

import torch

MISCONCEPTION = "queries/first-missing"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n + 1, 2 * n)
    return patterns[..., queries, queries - n + 1].mean(dim=(1, 3))
