"""The largest difference minus the smallest, wherever they are."""

MISCONCEPTION = "line/endpoints"


def steerability(strengths, differences):
    rise = differences.max(dim=1).values - differences.min(dim=1).values
    return rise / (strengths.max() - strengths.min())
