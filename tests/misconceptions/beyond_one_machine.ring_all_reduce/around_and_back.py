"""A partial sum goes around once, the total once more."""

MISCONCEPTION = "traffic/uneven"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    total = tensors[0].clone()
    for rank in range(1, r):
        total = tensors[rank] + send(rank - 1, rank, total)
    results = [total] * r
    for rank in range(r - 1):
        results[rank] = send((rank - 1) % r, rank, total) if r > 1 else total
    return results
