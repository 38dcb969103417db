"""Centered, by the normal equations."""

import torch

RIGHT = True


def dark_matter(x, error, x_test, error_test):
    def share(y, y_test):
        mx, my = x.mean(0), y.mean(0)
        A = (x - mx).T @ (x - mx)
        W = torch.linalg.solve(A, (x - mx).T @ (y - my))
        said = (x_test - mx) @ W + my
        spread = y_test - y_test.mean(0)
        return 1 - (y_test - said).square().sum() / spread.square().sum()

    return [
        share(error, error_test),
        share(error.norm(dim=-1)[:, None], error_test.norm(dim=-1)[:, None]),
    ]
