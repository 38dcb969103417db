"""Takes dot products."""

MISCONCEPTION = "length/counts"


def retrieve(query, vectors, word_scores, k, weight):
    cosine = vectors @ query
    words = word_scores / word_scores.max().clamp(min=1e-9)
    scores = (1 - weight) * cosine + weight * words
    rows = scores.argsort(descending=True, stable=True)[:k]
    return scores[rows], rows
