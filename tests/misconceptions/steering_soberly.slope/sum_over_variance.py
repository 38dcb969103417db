"""A sum above, torch.var below."""

MISCONCEPTION = "line/mixed-denominators"


def steerability(strengths, differences):
    centered = strengths - strengths.mean()
    return (differences * centered).sum(dim=-1) / strengths.var()
