"""Measures how well the control is learned."""

import torch

MISCONCEPTION = "control/on-training"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(max(types.max(), types_test.max())) + 1
    labels = y[torch.randint(len(y), (n,), generator=generator)]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, labels[types])(x) == labels[types]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
