"""The entropy of a choice between two."""

import torch

MISCONCEPTION = "weights/two-choices-only"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    first = p[:, 0]
    entropies = torch.special.entr(first) + torch.special.entr(1 - first)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
