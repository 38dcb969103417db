"""Two halves, with dictionaries."""

import torch

RIGHT = True


def ring_all_reduce(tensors, send):
    r = len(tensors)
    if r == 1:
        return [tensors[0].clone()]
    held = [dict(enumerate(torch.split(t, len(t) // r))) for t in tensors]
    for turn in range(r - 1):
        moving = {rank: held[rank][(rank - turn - 1) % r] for rank in range(r)}
        for rank, values in moving.items():
            place = (rank - turn - 1) % r
            held[(rank + 1) % r][place] = held[(rank + 1) % r][place] + send(
                source=rank, target=(rank + 1) % r, values=values
            )
    for turn in range(r - 1):
        moving = {rank: held[rank][(rank - turn) % r] for rank in range(r)}
        for rank, values in moving.items():
            held[(rank + 1) % r][(rank - turn) % r] = send(rank, (rank + 1) % r, values)
    return tuple(torch.cat([own[k] for k in range(r)]) for own in held)
