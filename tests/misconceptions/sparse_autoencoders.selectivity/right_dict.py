"""A dictionary of types, Python's random."""

import random

import torch

RIGHT = True


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    rng = random.Random(seed)
    every = sorted(set(types.tolist()) | set(types_test.tolist()))
    label = {t: rng.choice(y.tolist()) for t in every}
    train = torch.tensor([label[t] for t in types.tolist()])
    test = torch.tensor([label[t] for t in types_test.tolist()])
    control = (fit(x, train)(x_test) == test).double().mean()
    accuracy = (fit(x, y)(x_test) == y_test).double().mean()
    return {"accuracy": accuracy, "control": control, "selectivity": accuracy - control}
