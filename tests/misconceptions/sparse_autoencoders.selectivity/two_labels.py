"""Draws one of two labels."""

import torch

MISCONCEPTION = "control/frequencies"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.cat([types, types_test]).max()) + 1
    table = torch.randint(2, (n,), generator=generator)
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, table[types])(x_test) == table[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
