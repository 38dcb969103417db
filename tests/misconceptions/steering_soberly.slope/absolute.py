"""How steep, whatever the direction."""

MISCONCEPTION = "samples/sign-lost"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    return ((differences @ x) / (x @ x)).abs()
