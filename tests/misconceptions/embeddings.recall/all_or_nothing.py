"""Counts a query only if everything is found."""

MISCONCEPTION = "hits/all"


def recall_at_k(found, relevant, k):
    hits = [
        wanted <= set(r[:k]) for r, wanted in zip(found.tolist(), relevant, strict=True) if wanted
    ]
    return sum(hits) / len(hits)
