"""Centers the test rows by their own mean."""

import torch

MISCONCEPTION = "intercept/test-mean"


def dark_matter(x, error, x_test, error_test):
    def predicted(y, y_test):
        W = torch.linalg.lstsq(x - x.mean(0), y - y.mean(0)).solution
        left = y_test - y.mean(0) - (x_test - x_test.mean(0)) @ W
        return (1 - left.square().sum() / (y_test - y_test.mean(0)).square().sum()).item()

    norms = [e.norm(dim=-1, keepdim=True) for e in (error, error_test)]
    return predicted(error, error_test), predicted(*norms)
