"""Last minus first."""

MISCONCEPTION = "line/endpoints"


def steerability(strengths, differences):
    return (differences[:, -1] - differences[:, 0]) / (strengths[-1] - strengths[0])
