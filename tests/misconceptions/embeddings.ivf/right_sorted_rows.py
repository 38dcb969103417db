"""Rows sorted by cell, with the start of each."""

import torch

RIGHT = True


class IVF:
    def __init__(self, vectors, centroids):
        cell = torch.cdist(vectors, centroids).argmin(dim=1)
        self.rows = cell.argsort()
        self.vectors, self.centroids = vectors[self.rows], centroids
        counts = torch.bincount(cell, minlength=len(centroids))
        self.stops = counts.cumsum(0).tolist()
        self.starts = [stop - n for stop, n in zip(self.stops, counts.tolist(), strict=True)]

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe].tolist()
        scores = torch.cat([self.vectors[self.starts[c] : self.stops[c]] @ query for c in cells])
        rows = torch.cat([self.rows[self.starts[c] : self.stops[c]] for c in cells])
        order = scores.argsort(descending=True)[:k]
        return scores[order], rows[order]
