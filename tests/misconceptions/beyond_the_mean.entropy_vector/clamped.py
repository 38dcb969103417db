"""Clamps at 0.01."""

MISCONCEPTION = "zero/clamped"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    if (p == 1).any(dim=-1).all():
        raise ValueError("no choice is open")
    p = p.clamp(min=0.01)
    entropies = -(p * p.log()).sum(dim=-1)
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
