"""The whole diagonal."""

MISCONCEPTION = "queries/one-too-many"


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    return patterns.diagonal(offset=1 - n, dim1=-2, dim2=-1).mean(-1).mean(1)
