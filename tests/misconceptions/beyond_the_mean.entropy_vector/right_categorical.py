"""torch's distribution, which normalizes; weights on centered activations."""

import torch

RIGHT = True


def entropy_weighted_vector(activations, probabilities):
    entropies = torch.distributions.Categorical(probs=probabilities).entropy()
    if torch.allclose(entropies, torch.zeros_like(entropies), atol=1e-6):
        raise ValueError("all certain")
    centered = activations - activations.mean(dim=0)
    return (entropies[:, None] * centered).sum(dim=0) / entropies.sum()
