"""Opens cells until there are k."""

import torch

MISCONCEPTION = "cells/until-full"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        rows = torch.empty(0, dtype=torch.long)
        for number, c in enumerate((self.centroids @ query).argsort(descending=True)):
            if number >= n_probe and len(rows) >= k:
                break
            rows = torch.cat([rows, self.members[c]])
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
