"""Forgets k."""

MISCONCEPTION = "k/ignored"


def recall_at_k(found, relevant, k):
    shares = [len(set(r) & w) / len(w) for r, w in zip(found.tolist(), relevant, strict=True) if w]
    return sum(shares) / len(shares)
