"""Counts to the end of the text, and one more."""

import torch

MISCONCEPTION = "index/outside"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n + 1)
    return patterns[..., queries, queries - n + 1].mean(dim=(1, 3))
