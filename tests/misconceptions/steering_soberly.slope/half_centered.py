"""Centers the differences, and forgets the strengths' mean below the line."""

MISCONCEPTION = "line/through-origin"


def steerability(strengths, differences):
    centered = differences - differences.mean(dim=-1, keepdim=True)
    return centered @ strengths / strengths.pow(2).sum()
