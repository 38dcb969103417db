"""Searches more cells until k are found, unless there is nothing in the first."""

import torch

MISCONCEPTION = "cells/until-full"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True).tolist()
        rows = torch.cat([self.members[c] for c in cells[:n_probe]])
        for c in cells[n_probe:]:
            if 0 < len(rows) < k:
                rows = torch.cat([rows, self.members[c]])
        top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
        return top.values, rows[top.indices]
