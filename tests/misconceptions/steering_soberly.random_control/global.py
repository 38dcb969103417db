"""Draws from the global generator."""

import torch

MISCONCEPTION = "seed/none"


def random_control(effect, vector, n, seed=0):
    effects = []
    for _ in range(n):
        drawn = torch.randn(len(vector), dtype=vector.dtype)
        drawn = drawn / drawn.norm() * vector.norm()
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    rare = (1 + (effects.abs() >= abs(own)).sum().item()) / (n + 1)
    return effects, rare
