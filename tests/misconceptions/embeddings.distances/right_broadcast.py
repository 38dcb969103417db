"""Broadcasting, with a smallest length."""

RIGHT = True


def distances(a, b):
    dot = (a[:, None, :] * b[None, :, :]).sum(-1)
    euclid = (a[:, None, :] - b[None, :, :]).pow(2).sum(-1).sqrt()
    lengths = a.norm(dim=1)[:, None] * b.norm(dim=1)[None]
    return euclid, dot, 1 - dot / lengths.clamp(min=1e-12)
