"""The correlation of strength and difference."""

MISCONCEPTION = "line/correlation"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    y = differences - differences.mean(dim=1, keepdim=True)
    return (y @ x) / (x.norm() * y.norm(dim=1))
