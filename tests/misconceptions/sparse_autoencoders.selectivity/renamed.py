"""Permutes the names of the classes."""

import torch

MISCONCEPTION = "control/renamed"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    names = torch.roll(torch.arange(int(y.max()) + 1), 1 + seed)
    control = (fit(x, names[y])(x_test) == names[y_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
