"""Normalizes the queries only."""

from torch.nn import functional as F

MISCONCEPTION = "measure/corpus-long"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors

    def search(self, queries, k):
        scores = F.normalize(queries, dim=1) @ self.vectors.T
        return scores.topk(min(k, len(self.vectors)), dim=1)
