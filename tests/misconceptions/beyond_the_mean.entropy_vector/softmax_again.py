"""A softmax, so that they add up to 1."""

import torch

MISCONCEPTION = "probabilities/softmax-again"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities.softmax(dim=-1)
    entropies = torch.special.entr(p).sum(dim=-1)
    if torch.special.entr(probabilities).sum() == 0:
        raise ValueError("no choice is open")
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
