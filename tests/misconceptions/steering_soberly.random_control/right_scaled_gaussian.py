"""Wide normal numbers, the global seed."""

import torch

RIGHT = True


def random_control(effect, vector, n, seed=0):
    torch.manual_seed(seed)
    drawn = 100 * torch.randn(n, len(vector)).double()
    drawn = drawn * (vector.norm() / drawn.norm(dim=-1, keepdim=True))
    effects = torch.stack([torch.as_tensor(effect(row)) for row in drawn])
    hits = [1] + [1 for e in effects if e.abs() >= abs(effect(vector))]
    return effects, sum(hits) / (n + 1)
