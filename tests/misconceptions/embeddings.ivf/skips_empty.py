"""Searches the nearest cells that hold something."""

import torch

MISCONCEPTION = "cells/empty-skipped"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True).tolist()
        members = [self.members[c] for c in cells if len(self.members[c])]
        rows = torch.cat(members[:n_probe])
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
