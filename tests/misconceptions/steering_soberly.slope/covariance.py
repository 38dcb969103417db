"""Forgets to divide by the variance."""

MISCONCEPTION = "line/covariance"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    y = differences - differences.mean(dim=1, keepdim=True)
    return (x * y).mean(dim=1)
