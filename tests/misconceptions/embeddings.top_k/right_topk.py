"""Normalized once, then topk."""

from torch.nn import functional as F

RIGHT = True


class ExactSearch:
    def __init__(self, vectors):
        self.unit = F.normalize(vectors, dim=1)

    def search(self, queries, k):
        scores = F.normalize(queries, dim=-1) @ self.unit.T
        return scores.topk(min(k, scores.shape[-1]), dim=-1)
