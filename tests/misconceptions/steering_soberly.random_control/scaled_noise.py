"""Normal numbers times the norm, not divided by their own."""

import torch

MISCONCEPTION = "norm/varies"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        drawn = drawn * vector.norm() / len(vector) ** 0.5
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    rare = (1 + (effects.abs() >= abs(own)).sum().item()) / (n + 1)
    return effects, rare
