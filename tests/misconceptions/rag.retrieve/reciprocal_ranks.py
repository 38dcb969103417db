"""Reciprocal rank fusion."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "fusion/ranks"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.normalize(vectors, dim=1) @ F.normalize(query, dim=0)
    scores = torch.zeros(len(vectors), dtype=cosine.dtype)
    for part, share in ((cosine, 1 - weight), (word_scores, weight)):
        ranked = part.argsort(descending=True, stable=True)
        for rank, row in enumerate(ranked, start=1):
            scores[row] += share / (60 + rank)
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
