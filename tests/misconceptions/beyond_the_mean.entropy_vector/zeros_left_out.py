"""Leaves out prompts with a probability of 0."""

MISCONCEPTION = "zero/left-out"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    open_choices = (p > 0).all(dim=-1)
    if not open_choices.any():
        raise ValueError("no choice is open")
    activations, p = activations[open_choices], p[open_choices]
    entropies = -(p * p.log()).sum(dim=-1)
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
