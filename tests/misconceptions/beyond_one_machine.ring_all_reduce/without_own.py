"""Sums what arrives."""

import torch

MISCONCEPTION = "result/own-left-out"


def ring_all_reduce(tensors, send):
    r = len(tensors)
    results = [torch.zeros_like(tensor) for tensor in tensors]
    travelling = list(tensors)
    for _ in range(r - 1):
        arrived = [send(rank, (rank + 1) % r, travelling[rank]) for rank in range(r)]
        travelling = [arrived[rank - 1] for rank in range(r)]
        results = [result + new for result, new in zip(results, travelling, strict=True)]
    return results
