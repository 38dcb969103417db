"""Divides by the number of relevant items, also by 0."""

MISCONCEPTION = "empty/raises"


def recall_at_k(found, relevant, k):
    shares = [len(set(r[:k]) & w) / len(w) for r, w in zip(found.tolist(), relevant, strict=True)]
    return sum(shares) / len(shares)
