"""Normalizes the corpus only."""

from torch.nn import functional as F

MISCONCEPTION = "measure/queries-long"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        return (queries @ self.unit.T).topk(min(k, len(self.unit)), dim=1)
