"""Everyone sends to everyone."""

MISCONCEPTION = "traffic/not-neighbors"


def ring_all_reduce(tensors, send):
    results = [tensor.clone() for tensor in tensors]
    for source, tensor in enumerate(tensors):
        for target in range(len(tensors)):
            if target != source:
                results[target] = results[target] + send(source, target, tensor)
    return results
