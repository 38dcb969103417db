"""assert raises an AssertionError."""

import torch

MISCONCEPTION = "doubt/other-error"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    assert entropies.sum() > 0
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
