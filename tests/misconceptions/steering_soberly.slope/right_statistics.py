"""The standard library's regression; a list of numbers."""

from statistics import linear_regression

RIGHT = True


def steerability(strengths, differences):
    return [linear_regression(strengths.tolist(), row.tolist()).slope for row in differences]
