"""Uncertain prompts minus certain ones."""

import torch

MISCONCEPTION = "split/at-the-median"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    high = entropies > entropies.median()
    return activations[high].mean(dim=0) - activations[~high].mean(dim=0)
