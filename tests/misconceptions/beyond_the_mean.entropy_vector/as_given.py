"""Takes the probabilities as they come."""

import torch

MISCONCEPTION = "probabilities/not-normalized"


def entropy_weighted_vector(activations, probabilities):
    entropies = torch.special.entr(probabilities).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
