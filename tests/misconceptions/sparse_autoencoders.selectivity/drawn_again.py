"""Draws labels for the test rows anew."""

import torch

MISCONCEPTION = "control/other-in-test"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(max(types.max(), types_test.max())) + 1
    labels = y[torch.randint(len(y), (n,), generator=generator)]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    again = y[torch.randint(len(y), (n,), generator=generator)]
    control = (fit(x, labels[types])(x_test) == again[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
