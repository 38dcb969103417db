"""Takes k of each cell."""

import torch

MISCONCEPTION = "merge/k-of-each"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        cell = (vectors @ centroids.T).argmax(dim=1)
        self.members = [(cell == c).nonzero()[:, 0] for c in range(len(centroids))]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe]
        scores, found = [], []
        for c in cells:
            rows = self.members[c]
            top = (self.vectors[rows] @ query).topk(min(k, len(rows)))
            scores.append(top.values)
            found.append(rows[top.indices])
        return torch.cat(scores), torch.cat(found)
