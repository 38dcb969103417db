"""Asks topk for more rows than there are."""

from torch.nn import functional as F

MISCONCEPTION = "k/more-than-rows"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    words = word_scores / word_scores.max().clamp(min=1e-9)
    scores = (1 - weight) * cosine + weight * words
    rows = scores.topk(k).indices
    return scores[rows], rows
