"""A library call that does not know the corpus is always the same."""

from torch.nn import functional as F

MISCONCEPTION = "work/normalizes-each-time"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors

    def search(self, queries, k):
        scores = F.cosine_similarity(queries[:, None], self.vectors[None], dim=2)
        return scores.topk(min(k, len(self.vectors)), dim=1)
