"""A label for each type that it has seen."""

import torch

MISCONCEPTION = "control/unseen-type"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(y), (int(types.max()) + 1,), generator=generator)
    table = y[rows]
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, table[types])(x_test) == table[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
