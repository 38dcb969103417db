"""numpy's weighted average."""

import numpy as np

RIGHT = True


def entropy_weighted_vector(activations, probabilities):
    p = probabilities.numpy() / probabilities.numpy().sum(axis=1, keepdims=True)
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    entropies = -(p * logs).sum(axis=1)
    if not entropies.any():
        raise ValueError("every choice is certain")
    x = activations.numpy()
    return np.average(x, axis=0, weights=entropies) - x.mean(axis=0)
