"""Sums over the samples."""

MISCONCEPTION = "axes/transposed"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    return x @ differences / (x @ x)
