"""The ring for all ranks but the first, whose sum is made where all tensors lie."""

import torch

MISCONCEPTION = "traffic/none"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    chunks = [list(tensor.clone().chunk(r)) for tensor in tensors]
    for turn in range(2 * (r - 1)):
        outgoing = [chunks[rank][(rank - turn) % r] for rank in range(r)]
        for rank, values in enumerate(outgoing):
            own, place = chunks[(rank + 1) % r], (rank - turn) % r
            arrived = send(rank, (rank + 1) % r, values)
            own[place] = own[place] + arrived if turn < r - 1 else arrived
    return [sum(tensors), *(torch.cat(own) for own in chunks[1:])]
