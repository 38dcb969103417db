"""Divides by what could be found at best."""

MISCONCEPTION = "denominator/smaller"


def recall_at_k(found, relevant, k):
    shares = [
        len(set(row[:k]) & wanted) / min(k, len(wanted))
        for row, wanted in zip(found.tolist(), relevant, strict=True)
        if wanted
    ]
    return sum(shares) / len(shares)
