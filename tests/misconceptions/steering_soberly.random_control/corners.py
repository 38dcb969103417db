"""Every number plus or minus one."""

import torch

MISCONCEPTION = "draw/cube"


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    effects = []
    for _ in range(n):
        drawn = torch.randint(2, (len(vector),), generator=generator) * 2.0 - 1
        effects.append(effect((drawn / drawn.norm() * vector.norm()).to(vector.dtype)))
    effects = torch.tensor(effects)
    own = effect(vector)
    return effects, (1 + (effects.abs() >= abs(own)).sum().item()) / (n + 1)
