"""Compares vector by vector with a library call."""

import torch
from torch.nn import functional as F

MISCONCEPTION = "work/normalizes-each-time"


class ExactSearch:
    def __init__(self, vectors):
        self.vectors = vectors

    def search(self, queries, k):
        scores = [[F.cosine_similarity(q, v, dim=0) for v in self.vectors] for q in queries]
        scores = torch.stack([torch.stack(row) for row in scores])
        return scores.topk(min(k, len(self.vectors)), dim=1)
