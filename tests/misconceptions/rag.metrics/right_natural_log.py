"""Natural logarithms: the base cancels. Tensors as results."""

import torch

RIGHT = True


def dcg(gains):
    ranks = torch.arange(1, len(gains) + 1)
    return (torch.tensor(gains, dtype=torch.float64) / torch.log(ranks + 1)).sum()


def ranking_metrics(found, gains, k):
    recall, mrr, ndcg = [], [], []
    for row, wanted in zip(found, gains, strict=True):
        got = [wanted.get(item, 0) for item in row[:k]]
        recall.append(sum(g > 0 for g in got) / len(wanted))
        first = next((i for i, g in enumerate(got) if g), None)
        mrr.append(0 if first is None else 1 / (first + 1))
        ndcg.append(dcg(got) / dcg(sorted(wanted.values())[::-1][:k]))
    return {
        "recall": torch.tensor(recall).mean(),
        "mrr": torch.tensor(mrr, dtype=torch.float64).mean(),
        "ndcg": torch.stack(ndcg).mean(),
    }
