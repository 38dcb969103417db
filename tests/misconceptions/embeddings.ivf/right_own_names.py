"""Attributes of other names."""

import torch

RIGHT = True


class IVF:
    def __init__(self, vectors, centroids):
        self.v, self.c = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.c @ query).argsort(descending=True)[:n_probe]
        rows = torch.cat([self.members[c] for c in cells])
        top = (self.v[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
