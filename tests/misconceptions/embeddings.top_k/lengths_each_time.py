"""Computes the lengths of the corpus at every call."""

from torch.nn import functional as F

MISCONCEPTION = "work/normalizes-each-time"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors

    def search(self, queries, k):
        scores = F.normalize(queries, dim=1) @ self.vectors.T / self.vectors.norm(dim=1)
        return scores.topk(min(k, len(self.vectors)), dim=1)
