"""Takes what is found out of the given sets."""

MISCONCEPTION = "mutates/input"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        if wanted:
            n = len(wanted)
            wanted -= set(row[:k])
            shares.append(1 - len(wanted) / n)
    return sum(shares) / len(shares)
