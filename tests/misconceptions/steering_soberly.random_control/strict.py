"""Only effects that are larger count."""

import torch

MISCONCEPTION = "rarity/strictly-larger"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        drawn = drawn / drawn.norm() * vector.norm()
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    return effects, (1 + (effects.abs() > abs(own)).sum().item()) / (n + 1)
