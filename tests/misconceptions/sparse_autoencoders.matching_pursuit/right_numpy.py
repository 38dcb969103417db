"""NumPy."""

import numpy as np

RIGHT = True


def matching_pursuit(x, atoms, k):
    left, D = x.numpy().copy(), atoms.numpy()
    found = np.zeros((len(left), len(D)))
    for _ in range(k):
        products = left @ D.T
        for i, j in enumerate(np.abs(products).argmax(axis=1)):
            found[i, j] += products[i, j]
            left[i] -= products[i, j] * D[j]
    return found
