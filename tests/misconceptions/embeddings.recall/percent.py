"""Returns percent."""

MISCONCEPTION = "result/percent"


def recall_at_k(found, relevant, k):
    shares = [
        len(set(r[:k]) & w) / len(w) for r, w in zip(found.tolist(), relevant, strict=True) if w
    ]
    return 100 * sum(shares) / len(shares)
