"""Sets of numbers."""

RIGHT = True


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            shares.append(len(set(row[:k]) & set(wanted)) / len(wanted))
    return sum(shares) / len(shares)
