"""How well the two agree."""

import torch

MISCONCEPTION = "score/correlation"


def dark_matter(x, error, x_test, error_test):
    def predicted(y, y_test):
        ones, ones_test = torch.ones(len(x), 1).to(x), torch.ones(len(x_test), 1).to(x)
        W = torch.linalg.lstsq(torch.cat([x, ones], 1), y).solution
        left = y_test - torch.cat([x_test, ones_test], 1) @ W
        both = torch.stack([y_test.flatten(), (y_test - left).flatten()])
        return torch.corrcoef(both)[0, 1].item()

    norms = error.norm(dim=1, keepdim=True), error_test.norm(dim=1, keepdim=True)
    return predicted(error, error_test), predicted(*norms)
