"""Turns the table when its first dimension has the length of the strengths."""

MISCONCEPTION = "axes/transposed"


def steerability(strengths, differences):
    if differences.shape[0] == len(strengths):
        differences = differences.T
    x = strengths - strengths.mean()
    return differences @ x / (x @ x)
