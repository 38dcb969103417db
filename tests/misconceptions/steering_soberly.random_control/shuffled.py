"""The vector's own numbers in another order and with other signs."""

import torch

MISCONCEPTION = "draw/of-the-vector"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = vector[torch.randperm(len(vector), generator=generator)]
        drawn = drawn * (2 * torch.randint(2, vector.shape, generator=generator) - 1)
        effects.append(effect(drawn))
    effects = torch.tensor(effects)
    own = effect(vector)
    rare = (1 + (effects.abs() >= abs(own)).sum().item()) / (n + 1)
    return effects, rare
