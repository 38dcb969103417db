"""Divides the word scores by their sum."""

from torch.nn import functional as F

MISCONCEPTION = "words/divided-by-sum"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.sum().clamp(min=1e-9)
    scores = (1 - weight) * cosine + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
