"""Sorts what was found as the best order."""

import math

import torch

MISCONCEPTION = "ndcg/ideal-of-found"


def ranking_metrics(found, gains, k):
    rows = []
    for row, wanted in zip(found, gains, strict=True):
        row = list(row)
        hits = [r for r, x in enumerate(row[:k], start=1) if x in wanted]
        got = sum(wanted[row[r - 1]] / math.log2(r + 1) for r in hits)
        ideal = sorted((wanted[row[r - 1]] for r in hits), reverse=True)
        best = sum(g / math.log2(r + 1) for r, g in enumerate(ideal, start=1))
        rows.append(
            (
                len(hits) / len(wanted),
                1 / hits[0] if hits else 0.0,
                got / best if best else 0.0,
            )
        )
    recall, mrr, ndcg = torch.tensor(rows).mean(dim=0).tolist()
    return {"recall": recall, "mrr": mrr, "ndcg": ndcg}
