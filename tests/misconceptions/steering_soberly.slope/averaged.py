"""The slope of the mean over samples."""

MISCONCEPTION = "samples/averaged"


def steerability(strengths, differences):
    mean = differences.mean(dim=0)
    x = strengths - strengths.mean()
    return (mean @ x) / (x @ x)
