"""Compares variances."""

import torch

MISCONCEPTION = "score/centered-error"


def dark_matter(x, error, x_test, error_test):
    def ones(rows):
        return torch.cat([rows, torch.ones_like(rows[:, :1])], dim=-1)

    def predicted(y, y_test):
        W = torch.linalg.lstsq(ones(x), y).solution
        left = y_test - ones(x_test) @ W
        return (1 - left.var(0).sum() / y_test.var(0).sum()).item()

    norms = [e.norm(dim=-1, keepdim=True) for e in (error, error_test)]
    return predicted(error, error_test), predicted(*norms)
