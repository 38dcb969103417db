"""Three functions, one for each."""

import math
import statistics

RIGHT = True


def ranking_metrics(found, gains, k):
    def mean(one):
        return statistics.fmean(map(one, found, gains))

    def recall(row, wanted):
        return len(wanted.keys() & set(row[:k])) / len(wanted)

    def reciprocal(row, wanted):
        for rank in range(min(k, len(row))):
            if row[rank] in wanted:
                return 1 / (rank + 1)
        return 0

    def ndcg(row, wanted):
        total, best = 0, 0
        for rank, item in enumerate(row[:k]):
            total += wanted.get(item, 0) / math.log2(rank + 2)
        for rank, gain in enumerate(sorted(wanted.values(), key=lambda g: -g)[:k]):
            best += gain / math.log2(rank + 2)
        return total / best

    return {"ndcg": mean(ndcg), "mrr": mean(reciprocal), "recall": mean(recall)}
