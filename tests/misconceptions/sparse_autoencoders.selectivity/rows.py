"""A random label for each row."""

import torch

MISCONCEPTION = "control/rows"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    drawn = y[torch.randint(len(y), (len(y),), generator=generator)]
    drawn_test = y[torch.randint(len(y), (len(y_test),), generator=generator)]
    control = (fit(x, drawn)(x_test) == drawn_test).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
