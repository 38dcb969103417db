"""The sum."""

MISCONCEPTION = "result/total"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    if stage >= 1:
        optimizer /= ranks
    if stage >= 2:
        gradients /= ranks
    if stage >= 3:
        weights /= ranks
    return parameters * (weights + gradients + optimizer)
