"""Asks topk for more vectors than there are."""

import torch

MISCONCEPTION = "k/more-than-members"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        rows = torch.cat([self.members[c] for c in cells])
        top = (self.vectors[rows] @ query).topk(k)
        return top.values, rows[top.indices]
