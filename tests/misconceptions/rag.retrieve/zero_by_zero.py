"""Divides by the largest word score, also by 0."""

from torch.nn import functional as F

MISCONCEPTION = "wordless/nan"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max()
    scores = (1 - weight) * cosine + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
