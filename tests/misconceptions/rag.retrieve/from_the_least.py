"""Scales the word scores between the least and the largest."""

from torch.nn import functional as F

MISCONCEPTION = "words/min-max"


def retrieve(query, vectors, word_scores, k, weight):
    cosines = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores - word_scores.min()
    words = words / words.max().clamp(min=1e-9)
    scores = (1 - weight) * cosines + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
