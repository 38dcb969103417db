"""Rank 0 adds up and sends back."""

MISCONCEPTION = "traffic/one-rank"


def ring_all_reduce(tensors, send):
    total = tensors[0].clone()
    for rank in range(1, len(tensors)):
        total = total + send(rank, 0, tensors[rank])
    return [total] + [send(0, rank, total) for rank in range(1, len(tensors))]
