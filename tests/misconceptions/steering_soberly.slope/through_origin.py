"""A line through the origin."""

MISCONCEPTION = "line/through-origin"


def steerability(strengths, differences):
    return (differences * strengths).sum(dim=-1) / (strengths * strengths).sum()
