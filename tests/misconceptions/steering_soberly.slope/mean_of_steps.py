"""The mean of the slopes between neighbors."""

MISCONCEPTION = "line/mean-of-steps"


def steerability(strengths, differences):
    return (differences.diff(dim=1) / strengths.diff()).mean(dim=1)
