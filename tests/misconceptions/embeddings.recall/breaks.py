"""Leaves the loop at a query without a relevant item."""

MISCONCEPTION = "empty/stops"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if not wanted:
            break
        shares.append(len(set(row[:k]) & wanted) / len(wanted))
    return sum(shares) / len(shares)
