"""Sure prompts weigh more."""

import torch

MISCONCEPTION = "weights/certainty"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    entropies = torch.special.entr(p).sum(dim=-1)
    if entropies.sum() == 0:
        raise ValueError("no choice is open")
    certainty = entropies.max() - entropies
    weights = certainty / certainty.sum()
    return weights @ activations - activations.mean(dim=0)
