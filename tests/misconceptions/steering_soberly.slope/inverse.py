"""Divides by the variance of the differences."""

MISCONCEPTION = "line/inverse"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    y = differences - differences.mean(dim=1, keepdim=True)
    return (y @ x) / (y * y).sum(dim=1)
