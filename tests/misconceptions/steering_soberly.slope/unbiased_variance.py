"""A mean over n above, torch.var with n - 1 below."""

MISCONCEPTION = "line/mixed-denominators"


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    y = differences - differences.mean(dim=1, keepdim=True)
    return (x * y).mean(dim=1) / strengths.var()
