"""A diagonal, cut to the second copy."""

RIGHT = True


def induction_scores(patterns):
    n = patterns.shape[-1] // 2
    diagonal = patterns.diagonal(offset=1 - n, dim1=-2, dim2=-1)
    return diagonal[..., 1:].mean(-1).mean(1)
