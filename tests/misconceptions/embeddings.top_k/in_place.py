"""Normalizes the given corpus in place."""

from torch.nn import functional as F

MISCONCEPTION = "mutates/input"


class ExactSearch:
    def __init__(self, vectors):
        vectors /= vectors.norm(dim=1, keepdim=True)
        self.unit = vectors

    def search(self, queries, k):
        return (F.normalize(queries, dim=1) @ self.unit.T).topk(min(k, len(self.unit)), dim=1)
