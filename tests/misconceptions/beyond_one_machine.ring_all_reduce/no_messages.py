"""The sum is the sum."""

MISCONCEPTION = "traffic/none"


def ring_all_reduce(tensors, send):
    total = sum(tensors)
    return [total.clone() for _ in tensors]
