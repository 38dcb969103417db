"""Divides all hits by all relevant items."""

MISCONCEPTION = "average/pooled"


def recall_at_k(found, relevant, k):
    hits = sum(len(set(r[:k]) & w) for r, w in zip(found.tolist(), relevant, strict=True))
    return hits / sum(len(wanted) for wanted in relevant)
