"""Stages counted from 0."""

MISCONCEPTION = "stage/off-by-one"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": parameters * weights / (ranks if stage >= 2 else 1),
        "gradients": parameters * gradients / (ranks if stage >= 1 else 1),
        "optimizer": parameters * optimizer / (ranks),
    }
