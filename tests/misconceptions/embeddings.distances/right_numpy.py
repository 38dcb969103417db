"""NumPy arrays in a list."""

import numpy as np

RIGHT = True


def distances(a, b):
    a, b = a.numpy(), b.numpy()
    lengths = np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    euclid = np.linalg.norm(a[:, None] - b[None], axis=-1)
    cosine = np.divide(a @ b.T, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return [euclid, a @ b.T, 1 - cosine]
