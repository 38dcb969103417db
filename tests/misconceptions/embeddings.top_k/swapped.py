"""Returns the row numbers first."""

from torch.nn import functional as F

MISCONCEPTION = "result/order"


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        top = (F.normalize(queries, dim=1) @ self.unit.T).topk(min(k, len(self.unit)), dim=1)
        return top.indices, top.values
