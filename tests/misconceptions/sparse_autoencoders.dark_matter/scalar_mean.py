"""One mean for all dimensions."""

import torch

MISCONCEPTION = "score/scalar-mean"


def dark_matter(x, error, x_test, error_test):
    def predicted(y, y_test):
        ones, ones_test = torch.ones(len(x), 1).to(x), torch.ones(len(x_test), 1).to(x)
        W = torch.linalg.lstsq(torch.cat([x, ones], 1), y).solution
        left = y_test - torch.cat([x_test, ones_test], 1) @ W
        return (1 - (left**2).sum() / ((y_test - y_test.mean()) ** 2).sum()).item()

    norms = error.norm(dim=1, keepdim=True), error_test.norm(dim=1, keepdim=True)
    return predicted(error, error_test), predicted(*norms)
