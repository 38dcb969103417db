"""Scores every vector, then drops those of other cells."""

import torch

MISCONCEPTION = "work/all-vectors"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        self.cell = (vectors @ centroids.T).argmax(dim=1)

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        inside = torch.isin(self.cell, cells)
        scores = (self.vectors @ query).masked_fill(~inside, -torch.inf)
        top = scores.topk(min(k, int(inside.sum())))
        return top.values, top.indices
