"""Thinks that the nearest is the query itself."""

from torch.nn import functional as F

MISCONCEPTION = "order/nearest-left-out"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores = F.normalize(queries, dim=1) @ self.unit.T
        top = scores.topk(min(k + 1, len(self.unit)), dim=1)
        return top.values[:, 1:], top.indices[:, 1:]
