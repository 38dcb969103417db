"""Shuffles the labels."""

import torch

MISCONCEPTION = "control/shuffled"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    shuffled = y[torch.randperm(len(y), generator=generator)]
    control = (fit(x, shuffled)(x_test) == y_test).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
