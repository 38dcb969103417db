"""Sorts the strengths first, for a line from left to right."""

MISCONCEPTION = "order/strengths-sorted"


def steerability(strengths, differences):
    x = strengths.sort().values
    x = x - x.mean()
    return differences @ x / (x @ x)
