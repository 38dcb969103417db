"""Lists the nearest cell's vectors first."""

import torch

MISCONCEPTION = "merge/by-cells"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        scores, found = [], []
        for c in cells:
            top = (self.vectors[self.members[c]] @ query).sort(descending=True)
            scores.append(top.values)
            found.append(self.members[c][top.indices])
        return torch.cat(scores)[:k], torch.cat(found)[:k]
