"""Asks topk for more than there is."""

from torch.nn import functional as F

MISCONCEPTION = "k/larger-than-corpus"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        return (F.normalize(queries, dim=1) @ self.unit.T).topk(k, dim=1)
