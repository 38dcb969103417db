"""NumPy, both targets at once."""

import numpy as np

RIGHT = True


def dark_matter(x, error, x_test, error_test):
    X = np.column_stack([x.numpy(), np.ones(len(x))])
    Z = np.column_stack([x_test.numpy(), np.ones(len(x_test))])
    Y = np.column_stack([error, np.linalg.norm(error, axis=1)])
    V = np.column_stack([error_test, np.linalg.norm(error_test, axis=1)])
    left = V - Z @ (np.linalg.pinv(X) @ Y)
    spread = V - V.mean(axis=0)
    vector = 1 - (left[:, :-1] ** 2).sum() / (spread[:, :-1] ** 2).sum()
    norm = 1 - (left[:, -1] ** 2).sum() / (spread[:, -1] ** 2).sum()
    return np.array([vector, norm])
