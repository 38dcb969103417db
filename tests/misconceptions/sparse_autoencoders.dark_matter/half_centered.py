"""Centers x and forgets the error."""

import torch

MISCONCEPTION = "intercept/missing"


def dark_matter(x, error, x_test, error_test):
    mean = x.mean(0)

    def predicted(y, y_test):
        W = torch.linalg.lstsq(x - mean, y).solution
        left = y_test - (x_test - mean) @ W
        return (1 - (left**2).sum() / ((y_test - y_test.mean(0)) ** 2).sum()).item()

    norms = error.norm(dim=1, keepdim=True), error_test.norm(dim=1, keepdim=True)
    return predicted(error, error_test), predicted(*norms)
