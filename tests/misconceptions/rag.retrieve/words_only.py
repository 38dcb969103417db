"""Forgets the meaning."""

from torch.nn import functional as F

MISCONCEPTION = "meaning/ignored"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=1e-9)
    scores = words + 0 * cosine
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
