"""Returns the row numbers alone."""

from torch.nn import functional as F

MISCONCEPTION = "result/not-a-pair"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores = F.normalize(queries, dim=1) @ self.unit.T
        return scores.topk(min(k, len(self.unit)), dim=1).indices
