"""NumPy's generator, and its frequencies."""

import numpy as np
import torch

RIGHT = True


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    rng = np.random.default_rng(seed)
    n = int(max(types.max(), types_test.max())) + 1
    classes, counts = np.unique(y.numpy(), return_counts=True)
    labels = torch.from_numpy(rng.choice(classes, size=n, p=counts / counts.sum()))
    accuracy = np.mean(fit(x, y)(x_test).numpy() == y_test.numpy())
    control = np.mean(fit(x, labels[types])(x_test).numpy() == labels[types_test].numpy())
    return dict(accuracy=accuracy, control=control, selectivity=accuracy - control)
