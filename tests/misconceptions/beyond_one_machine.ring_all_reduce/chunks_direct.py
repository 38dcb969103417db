"""A chunk to the rank that adds it, and the sums to all: the right volume, not a ring."""

import torch

MISCONCEPTION = "traffic/not-neighbors"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    chunks = [tensor.chunk(r) for tensor in tensors]
    sums = []
    for owner in range(r):
        total = chunks[owner][owner].clone()
        for source in range(r):
            if source != owner:
                total = total + send(source, owner, chunks[source][owner])
        sums.append(total)
    results = []
    for target in range(r):
        parts = [sums[o] if o == target else send(o, target, sums[o]) for o in range(r)]
        results.append(torch.cat(parts))
    return results
