"""Forgets the ones in the test rows."""

import torch

MISCONCEPTION = "intercept/missing"


def dark_matter(x, error, x_test, error_test):
    def ones(rows):
        return torch.cat([rows, torch.ones_like(rows[:, :1])], dim=-1)

    def predicted(y, y_test):
        W = torch.linalg.lstsq(ones(x), y).solution
        left = y_test - x_test @ W[:-1]
        return (1 - left.square().sum() / (y_test - y_test.mean(0)).square().sum()).item()

    norms = [e.norm(dim=-1, keepdim=True) for e in (error, error_test)]
    return predicted(error, error_test), predicted(*norms)
