"""Looks for the first hit in the whole ranking."""

import math

import torch

MISCONCEPTION = "mrr/not-cut"


def ranking_metrics(found, gains, k):
    rows = []
    for row, wanted in zip(found, gains, strict=True):
        row = list(row)
        hits = [r for r, x in enumerate(row[:k], start=1) if x in wanted]
        got = sum(wanted[row[r - 1]] / math.log2(r + 1) for r in hits)
        ideal = sorted(wanted.values(), reverse=True)[:k]
        best = sum(g / math.log2(r + 1) for r, g in enumerate(ideal, start=1))
        rows.append(
            (
                len(hits) / len(wanted),
                next((1 / r for r, x in enumerate(row, start=1) if x in wanted), 0.0),
                got / best,
            )
        )
    recall, mrr, ndcg = torch.tensor(rows).mean(dim=0).tolist()
    return {"recall": recall, "mrr": mrr, "ndcg": ndcg}
