"""Fits the control's probe to the test rows."""

import torch

MISCONCEPTION = "control/on-test"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.cat([types, types_test]).max()) + 1
    table = y[torch.randint(len(y), (n,), generator=generator)]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x_test, table[types_test])(x_test) == table[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
