"""Takes the last k of an ascending order."""

from torch.nn import functional as F

MISCONCEPTION = "order/not-sorted"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores, rows = (F.normalize(queries, dim=1) @ self.unit.T).sort(dim=1)
        return scores[:, -k:], rows[:, -k:]
