"""Normalizes the corpus at every call."""

from torch.nn import functional as F

MISCONCEPTION = "work/normalizes-each-time"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors

    def search(self, queries, k):
        unit = F.normalize(self.vectors, dim=1)
        return (F.normalize(queries, dim=1) @ unit.T).topk(min(k, len(unit)), dim=1)
