"""NumPy."""

import numpy as np

RIGHT = True


def ranking_metrics(found, gains, k):
    discounts = 1 / np.log2(np.arange(k) + 2)
    rows = []
    for row, wanted in zip(found, gains, strict=True):
        got = np.zeros(k)
        got[: len(row[:k])] = [wanted.get(item, 0) for item in row[:k]]
        best = np.zeros(k)
        ideal = sorted(wanted.values(), reverse=True)[:k]
        best[: len(ideal)] = ideal
        places = np.flatnonzero(got)
        first = 1 / (places[0] + 1) if len(places) else 0
        rows.append([len(places) / len(wanted), first, got @ discounts / (best @ discounts)])
    return dict(zip(["recall", "mrr", "ndcg"], np.mean(rows, axis=0), strict=True))
