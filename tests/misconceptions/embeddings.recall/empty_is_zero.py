"""Gives 0 to a query without a relevant item."""

MISCONCEPTION = "empty/as-zero"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        shares.append(len(set(row[:k]) & wanted) / max(1, len(wanted)))
    return sum(shares) / len(shares)
