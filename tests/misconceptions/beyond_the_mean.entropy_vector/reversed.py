"""Plain minus weighted."""

import torch

MISCONCEPTION = "mean/reversed"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    weights = entropies / entropies.sum()
    return activations.mean(dim=0) - weights @ activations
