"""Any class is as good."""

import torch

MISCONCEPTION = "control/uniform"


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    generator = torch.Generator().manual_seed(seed)
    n = int(max(types.max(), types_test.max())) + 1
    labels = torch.randint(int(y.max()) + 1, (n,), generator=generator)
    accuracy = (fit(x, y)(x_test) == y_test).float().mean().item()
    control = (fit(x, labels[types])(x_test) == labels[types_test]).float().mean().item()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
