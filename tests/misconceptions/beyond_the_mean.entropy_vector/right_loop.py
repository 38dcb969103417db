"""In bits, prompt by prompt."""

import math

RIGHT = True


def entropy_weighted_vector(activations, probabilities):
    entropies = []
    for row in probabilities.tolist():
        row = [x / sum(row) for x in row]
        entropies.append(sum(-x * math.log2(x) for x in row if x > 0))
    if sum(entropies) == 0:
        raise ValueError("no doubt anywhere")
    vector = -sum(activations) / len(activations)
    for entropy, activation in zip(entropies, activations, strict=True):
        vector = vector + entropy / sum(entropies) * activation
    return vector
