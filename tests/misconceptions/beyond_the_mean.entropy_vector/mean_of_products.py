"""The mean of entropy times activation."""

import torch

MISCONCEPTION = "weights/divided-by-number"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    weighted = (entropies[:, None] * activations).mean(dim=0)
    return weighted - activations.mean(dim=0)
