"""The share of random effects that are as large."""

import torch

MISCONCEPTION = "rarity/no-one-added"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        drawn = drawn / drawn.norm() * vector.norm()
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    return effects, (effects.abs() >= abs(own)).double().mean().item()
