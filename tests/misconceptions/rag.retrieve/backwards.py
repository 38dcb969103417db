"""Sorts upwards and turns round, equal rows too."""

from torch.nn import functional as F

MISCONCEPTION = "ties/other-first"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=1e-9)
    scores = (1 - weight) * cosine + weight * words
    rows = scores.argsort(stable=True).flip(0)[:k]
    return scores[rows], rows
