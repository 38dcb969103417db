"""Looks at rank k alone."""

MISCONCEPTION = "k/only-the-last"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            shares.append((row[k - 1] in wanted) / len(wanted))
    return sum(shares) / len(shares)
