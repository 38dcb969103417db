"""Counts ranks from 1 and skips the first."""

MISCONCEPTION = "k/one-off"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            shares.append(len(set(row[1 : k + 1]) & wanted) / len(wanted))
    return sum(shares) / len(shares)
