"""p log p, also where p is 0."""

MISCONCEPTION = "zero/nan"


def entropy_weighted_vector(activations, probabilities):
    p = probabilities / probabilities.sum(dim=-1, keepdim=True)
    if (p == 1).any(dim=-1).all():
        raise ValueError("no choice is open")
    entropies = -(p * p.log()).sum(dim=-1)
    weights = entropies / entropies.sum()
    return weights @ activations - activations.mean(dim=0)
