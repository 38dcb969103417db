"""Takes ranks 0 to k."""

MISCONCEPTION = "k/one-off"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            shares.append(len(set(row[: k + 1]) & wanted) / len(wanted))
    return sum(shares) / len(shares)
