"""Sends as many chunks as it should, and takes the sum from where it is."""

MISCONCEPTION = "traffic/none"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    for rank, tensor in enumerate(tensors):
        for _ in range(2 * (r - 1)):
            send(rank, (rank + 1) % r, tensor.chunk(r)[0])
    return [sum(tensors) for _ in range(r)]
