"""Gives 1 to a query without a relevant item."""

MISCONCEPTION = "empty/as-one"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        shares.append(len(set(row[:k]) & wanted) / len(wanted) if wanted else 1)
    return sum(shares) / len(shares)
