"""Normalizes each column of the vectors."""

from torch.nn import functional as F

MISCONCEPTION = "length/axis"


def retrieve(query, vectors, word_scores, k, weight):
    cosines = F.normalize(vectors, dim=0) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=1e-9)
    scores = (1 - weight) * cosines + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
