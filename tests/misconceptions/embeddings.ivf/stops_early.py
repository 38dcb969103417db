"""Stops as soon as there are k candidates."""

import torch

MISCONCEPTION = "cells/stops-when-full"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        rows = torch.tensor([], dtype=torch.long)
        for c in cells:
            rows = torch.cat([rows, self.members[c]])
            if len(rows) >= k:
                break
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
