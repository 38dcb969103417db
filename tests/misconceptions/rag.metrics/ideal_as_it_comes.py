"""Takes the gains in the order of the dict for the best order."""

import math

MISCONCEPTION = "ndcg/ideal-unsorted"


def ranking_metrics(found, gains, k):
    recall = mrr = ndcg = 0
    for ranked, wanted in zip(found, gains, strict=True):
        hits = [r for r, item in enumerate(ranked[:k], start=1) if item in wanted]
        recall += len(hits) / len(wanted)
        mrr += 1 / hits[0] if hits else 0
        got = sum(wanted[ranked[r - 1]] / math.log2(r + 1) for r in hits)
        ideal = list(wanted.values())[:k]
        ndcg += got / sum(g / math.log2(r + 1) for r, g in enumerate(ideal, start=1))
    n = len(found)
    return {"recall": recall / n, "mrr": mrr / n, "ndcg": ndcg / n}
