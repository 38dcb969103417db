"""Covariance over variance, both with n - 1."""

RIGHT = True


def steerability(strengths, differences):
    x = strengths - strengths.mean()
    y = differences - differences.mean(dim=-1, keepdim=True)
    covariance = (x * y).sum(dim=-1) / (len(x) - 1)
    return covariance / strengths.var()
