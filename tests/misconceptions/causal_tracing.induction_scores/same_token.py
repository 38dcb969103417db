"""The same token in the first copy."""

import torch

MISCONCEPTION = "key/same-token"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    queries = torch.arange(n, 2 * n)
    return patterns[..., queries, queries - n].mean(dim=(1, 3))
