"""Searches everything where the cells are empty."""

import torch

MISCONCEPTION = "cells/all-where-empty"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        rows = torch.cat([self.members[c] for c in cells])
        if len(rows) == 0:
            rows = torch.arange(len(self.vectors))
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
