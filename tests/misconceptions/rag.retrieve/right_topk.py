"""Torch, sort and cosine_similarity."""

import torch
from torch.nn import functional as F

RIGHT = True


def retrieve(query, vectors, word_scores, k, weight):
    cosine = F.cosine_similarity(vectors, query[None], dim=1)
    words = torch.nan_to_num(word_scores / word_scores.max())
    scores, rows = torch.sort(torch.lerp(cosine, words, weight), descending=True, stable=True)
    return scores[:k], rows[:k]
