"""A mask of ones where induction looks."""

import torch

RIGHT = True


def induction_scores(patterns):
    n = patterns.shape[-1] // 2

    mask = torch.zeros(2 * n, 2 * n, dtype=patterns.dtype)
    for q in range(n, 2 * n):
        mask[q, q - n + 1] = 1 / n
    return torch.einsum("lbhqk,qk->lh", patterns, mask) / patterns.shape[1]
