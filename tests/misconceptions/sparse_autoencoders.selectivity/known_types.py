"""Leaves test rows of an unknown type out of the control."""

import torch

MISCONCEPTION = "control/other-rows"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(torch.cat([types, types_test]).max()) + 1
    table = y[torch.randint(len(y), (n,), generator=generator)]
    known = torch.isin(types_test, types)
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    probe = fit(x, table[types])
    control = (probe(x_test[known]) == table[types_test[known]]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
