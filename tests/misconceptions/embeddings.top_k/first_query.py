"""Answers the first query only."""

from torch.nn import functional as F

MISCONCEPTION = "queries/first-only"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores = self.unit @ F.normalize(queries[0], dim=0)
        return scores.topk(min(k, len(scores)))
