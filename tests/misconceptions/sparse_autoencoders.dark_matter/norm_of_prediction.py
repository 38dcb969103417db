"""The norm of the predicted error."""

import torch

MISCONCEPTION = "norm/of-prediction"


def dark_matter(x, error, x_test, error_test):
    ones, ones_test = torch.ones(len(x), 1).to(x), torch.ones(len(x_test), 1).to(x)
    W = torch.linalg.lstsq(torch.cat([x, ones], 1), error).solution
    said = torch.cat([x_test, ones_test], 1) @ W

    def score(y, said):
        return (1 - ((y - said) ** 2).sum() / ((y - y.mean(0)) ** 2).sum()).item()

    return score(error_test, said), score(error_test.norm(dim=1), said.norm(dim=1))
