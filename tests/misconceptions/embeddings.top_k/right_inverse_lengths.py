"""Multiplies the scores by lengths that were inverted once."""

from torch.nn import functional as F

RIGHT = True


class ExactSearch:
    def __init__(self, vectors):
        self.vectors, self.inverse = vectors, 1 / vectors.norm(dim=1)

    def search(self, queries, k):
        scores = F.normalize(queries, dim=1) @ self.vectors.T * self.inverse
        order = scores.argsort(dim=1, descending=True)[:, :k]
        return scores.gather(1, order), order
