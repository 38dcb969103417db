"""Adds in place, on views."""

import torch

MISCONCEPTION = "mutates/inputs"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    chunks = [list(tensor.chunk(r)) for tensor in tensors]
    for turn in range(2 * (r - 1)):
        places = [(rank - turn) % r for rank in range(r)]
        outgoing = [chunks[rank][place] for rank, place in enumerate(places)]
        for rank, (place, values) in enumerate(zip(places, outgoing, strict=True)):
            arrived = send(rank, (rank + 1) % r, values)
            neighbor = chunks[(rank + 1) % r]
            if turn < r - 1:
                neighbor[place] += arrived
            else:
                neighbor[place] = arrived
    return [torch.cat(own) for own in chunks]
