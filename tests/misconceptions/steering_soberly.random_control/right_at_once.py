"""All vectors at once."""

import torch

RIGHT = True


def random_control(effect, vector, n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n, vector.shape[0], generator=generator, dtype=vector.dtype)
    drawn = torch.nn.functional.normalize(drawn, dim=1) * vector.norm()
    effects = torch.tensor([float(effect(x)) for x in drawn])
    larger = (effects.abs() >= abs(float(effect(vector)))).sum()
    return effects, (larger + 1) / (n + 1)
