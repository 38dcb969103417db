"""Divides by k."""

MISCONCEPTION = "denominator/k"


def recall_at_k(found, relevant, k):
    shares = [len(set(r[:k]) & w) / k for r, w in zip(found.tolist(), relevant, strict=True) if w]
    return sum(shares) / len(shares)
