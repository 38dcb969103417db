"""At the largest strength minus at the smallest."""

MISCONCEPTION = "line/endpoints"


def steerability(strengths, differences):
    low, high = strengths.argmin(), strengths.argmax()
    rise = differences[:, high] - differences[:, low]
    return rise / (strengths[high] - strengths[low])
