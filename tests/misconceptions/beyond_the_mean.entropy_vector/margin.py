"""One minus the largest probability."""

import torch

MISCONCEPTION = "weights/not-entropy"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    doubt = 1 - p.max(dim=-1).values
    weights = doubt / doubt.sum()
    return weights @ activations - activations.mean(dim=0)
