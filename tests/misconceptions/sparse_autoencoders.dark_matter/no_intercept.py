"""A linear map has no constant."""

import torch

MISCONCEPTION = "intercept/missing"


def dark_matter(x, error, x_test, error_test):
    def predicted(y, y_test):
        W = torch.linalg.lstsq(x, y).solution
        left = y_test - x_test @ W
        return (1 - (left**2).sum() / ((y_test - y_test.mean(0)) ** 2).sum()).item()

    norms = error.norm(dim=1, keepdim=True), error_test.norm(dim=1, keepdim=True)
    return predicted(error, error_test), predicted(*norms)
