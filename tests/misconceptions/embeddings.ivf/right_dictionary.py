"""A dict of lists, Python's sort."""

import torch

RIGHT = True


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        self.lists = {c: [] for c in range(len(centroids))}
        for row, vector in enumerate(vectors):
            self.lists[int((centroids @ vector).argmax())].append(row)

    def search(self, query, k, n_probe):
        order = (self.centroids @ query).argsort(descending=True).tolist()
        rows = [row for c in order[:n_probe] for row in self.lists[c]]
        scored = sorted(((float(self.vectors[row] @ query), row) for row in rows), reverse=True)[:k]
        scores = torch.tensor([score for score, _ in scored], dtype=torch.float64)
        return scores, torch.tensor([row for _, row in scored])
