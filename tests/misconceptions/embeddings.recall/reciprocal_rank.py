"""Computes the mean reciprocal rank."""

MISCONCEPTION = "measure/reciprocal-rank"


def recall_at_k(found, relevant, k):
    ranks = []
    for row, wanted in zip(found.tolist(), relevant, strict=True):
        hits = [1 / rank for rank, x in enumerate(row[:k], start=1) if x in wanted]
        ranks.append(hits[0] if hits else 0)
    return sum(ranks) / len(ranks)
