"""Stretches both from 0 to 1."""

from torch.nn import functional as F

MISCONCEPTION = "words/min-max"


def stretched(x):
    return (x - x.min()) / (x.max() - x.min()).clamp(min=1e-9)


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    scores = (1 - weight) * stretched(cosine) + weight * stretched(word_scores)
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
