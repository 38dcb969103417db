"""Guards against 0 / 0 with a clamp that holds small scores down."""

from torch.nn import functional as F

MISCONCEPTION = "words/not-scaled"


def retrieve(query, vectors, word_scores, k, weight):
    cosines = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=1)
    scores = (1 - weight) * cosines + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
