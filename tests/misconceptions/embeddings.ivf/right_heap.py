"""A heap over lists of members."""

import heapq

import torch

RIGHT = True


class IVF:
    def __init__(self, vectors, centroids):
        self.centroids = centroids
        self.lists = [[] for _ in centroids]
        for i, vector in enumerate(vectors):
            self.lists[int((centroids @ vector).argmax())].append((i, vector))

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe].tolist()
        pairs = [(float(v @ query), i) for c in cells for i, v in self.lists[c]]
        best = heapq.nlargest(k, pairs)
        return torch.tensor([s for s, _ in best]), torch.tensor([i for _, i in best])
