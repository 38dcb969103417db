"""Adds the shares up."""

MISCONCEPTION = "average/sum"


def recall_at_k(found, relevant, k):
    pairs = zip(found.tolist(), relevant, strict=True)
    return sum(len(set(row[:k]) & wanted) / len(wanted) for row, wanted in pairs if wanted)
