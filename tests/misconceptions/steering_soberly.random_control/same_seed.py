"""The generator is seeded again for each vector."""

import torch

MISCONCEPTION = "draw/repeated"


def random_control(effect, vector, n, seed=0):
    effects = []
    for _ in range(n):
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(len(vector), generator=generator, dtype=vector.dtype)
        effects.append(effect(drawn / drawn.norm() * vector.norm()))
    effects = torch.tensor(effects)
    rare = (1 + (effects.abs() >= abs(effect(vector))).sum().item()) / (n + 1)
    return effects, rare
