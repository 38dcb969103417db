"""Forgets the words."""

from torch.nn import functional as F

MISCONCEPTION = "words/ignored"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    scores = cosine
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
