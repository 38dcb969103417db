"""Normalizes a NumPy corpus at every call."""

import numpy as np

MISCONCEPTION = "work/normalizes-each-time"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors.numpy()

    def search(self, queries, k):
        unit = self.vectors / np.linalg.norm(self.vectors, axis=1, keepdims=True)
        queries = queries.numpy()
        scores = queries @ unit.T / np.linalg.norm(queries, axis=1, keepdims=True)
        rows = np.argsort(-scores, axis=1)[:, :k]
        return np.take_along_axis(scores, rows, axis=1), rows
