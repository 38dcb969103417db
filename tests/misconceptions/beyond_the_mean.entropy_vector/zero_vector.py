"""Where nothing is open, no steering."""

import torch

MISCONCEPTION = "doubt/accepted"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        return torch.zeros_like(activations[0])
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
