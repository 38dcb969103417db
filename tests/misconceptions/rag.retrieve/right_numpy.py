"""NumPy."""

import numpy as np

RIGHT = True


def retrieve(query, vectors, word_scores, k, weight):
    q, v, w = query.numpy(), vectors.numpy(), word_scores.numpy()
    q, v = q / np.linalg.norm(q), v / np.linalg.norm(v, axis=1, keepdims=True)
    w = w / w.max() if w.max() > 0 else w
    scores = (1 - weight) * (v @ q) + weight * w
    rows = np.argsort(-scores.round(12), kind="stable")[:k]
    return scores[rows], rows
