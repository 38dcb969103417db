"""In float32, with the normal equations."""

RIGHT = True


def steerability(strengths, differences):
    n = len(strengths)
    s, d = strengths.float(), differences.float()
    above = n * (d * s).sum(1) - d.sum(1) * s.sum()
    return above / (n * (s * s).sum() - s.sum() ** 2)
