"""A squeeze after the matrix product."""

MISCONCEPTION = "shape/squeezed"


def steerability(strengths, differences):
    x = (strengths - strengths.mean())[:, None]
    return (differences @ x / (x * x).sum()).squeeze()
