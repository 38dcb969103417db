"""Counts opposite vectors as near."""

from torch.nn import functional as F

MISCONCEPTION = "measure/absolute"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores = (F.normalize(queries, dim=1) @ self.unit.T).abs()
        return scores.topk(min(k, len(self.unit)), dim=1)
