"""Divides by the sum over all prompts."""

import torch

MISCONCEPTION = "probabilities/not-normalized"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum() * len(probabilities)
    entropies = -(torch.xlogy(p, p)).sum(dim=-1)
    if (p > 0).sum() == len(p):
        raise ValueError("no choice is open")
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
