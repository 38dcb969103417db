"""Counts effects that are larger, not larger in size."""

import torch

MISCONCEPTION = "rarity/one-sided"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        drawn = drawn / drawn.norm() * vector.norm()
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    return effects, (1 + (effects >= own).sum().item()) / (n + 1)
