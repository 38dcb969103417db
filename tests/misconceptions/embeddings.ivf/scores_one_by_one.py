"""Scores every vector, in a loop."""

MISCONCEPTION = "work/all-vectors"


class IVF:
    def __init__(self, vectors, centroids):
        self.vectors, self.centroids = vectors, centroids
        self.cell = (vectors @ centroids.T).argmax(dim=1).tolist()

    def search(self, query, k, n_probe):
        cells = (self.centroids @ query).argsort(descending=True)[:n_probe].tolist()
        scores = [float(vector @ query) for vector in self.vectors]
        rows = [i for i, c in enumerate(self.cell) if c in cells]
        rows = sorted(rows, key=lambda i: -scores[i])[:k]
        return [scores[i] for i in rows], rows
