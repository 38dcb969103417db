"""Looks for tensors in sets of numbers."""

MISCONCEPTION = "membership/tensors"


def recall_at_k(found, relevant, k):
    shares = []
    for row, wanted in zip(found, relevant, strict=True):
        if wanted:
            shares.append(sum(x in wanted for x in row[:k]) / len(wanted))
    return sum(shares) / len(shares)
