"""Searches the nearest cell only."""

MISCONCEPTION = "cells/one-only"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        rows = self.members[(self.centroids @ query).argmax()]
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
