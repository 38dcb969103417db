"""How well it fits."""

import torch

MISCONCEPTION = "score/on-training"


def dark_matter(x, error, x_test, error_test):
    def predicted(y, y_test):
        ones = torch.ones(len(x), 1).to(x)
        W = torch.linalg.lstsq(torch.cat([x, ones], 1), y).solution
        left, y_test = y - torch.cat([x, ones], 1) @ W, y
        return (1 - (left**2).sum() / ((y_test - y_test.mean(0)) ** 2).sum()).item()

    norms = error.norm(dim=1, keepdim=True), error_test.norm(dim=1, keepdim=True)
    return predicted(error, error_test), predicted(*norms)
