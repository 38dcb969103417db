"""Counts a query as 1 if anything relevant is found."""

MISCONCEPTION = "hits/any"


def recall_at_k(found, relevant, k):
    hits = [bool(set(r[:k]) & w) for r, w in zip(found.tolist(), relevant, strict=True) if w]
    return sum(hits) / len(hits)
