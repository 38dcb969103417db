"""A loop, lists as a result."""

RIGHT = True


def retrieve(query, vectors, word_scores, k, weight):
    best = max(word_scores.tolist())
    scored = []
    for row, (vector, words) in enumerate(zip(vectors, word_scores.tolist(), strict=True)):
        cosine = (vector @ query / (vector.norm() * query.norm())).item()
        scored.append(((1 - weight) * cosine + weight * (words / best if best > 0 else 0), row))
    scored.sort(key=lambda pair: (-round(pair[0], 12), pair[1]))
    return [score for score, _ in scored[:k]], [row for _, row in scored[:k]]
