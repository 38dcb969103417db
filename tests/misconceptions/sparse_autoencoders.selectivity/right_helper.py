"""One helper for both tasks."""

import torch

RIGHT = True


def selectivity(fit, x, y, types, x_test, y_test, types_test, seed=0):
    def score(train, test):
        predict = fit(x, train)
        right = predict(x_test) == test
        return right.sum().item() / len(right)

    generator = torch.Generator().manual_seed(seed)
    most = max(types.max().item(), types_test.max().item())
    frequencies = torch.bincount(y).double()
    labels = torch.multinomial(frequencies, most + 1, replacement=True, generator=generator)
    found = {"accuracy": score(y, y_test), "control": score(labels[types], labels[types_test])}
    return found | {"selectivity": found["accuracy"] - found["control"]}
