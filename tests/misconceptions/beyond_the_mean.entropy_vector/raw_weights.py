"""The entropies themselves are the weights."""

import torch

MISCONCEPTION = "weights/not-divided"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    return entropies @ activations - activations.mean(dim=0)
