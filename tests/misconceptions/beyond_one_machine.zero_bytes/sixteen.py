"""2, 2 and 12, written out."""

MISCONCEPTION = "bytes/fixed"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = 2, 2, 12
    return {
        "weights": parameters * weights / (ranks if stage >= 3 else 1),
        "gradients": parameters * gradients / (ranks if stage >= 2 else 1),
        "optimizer": parameters * optimizer / (ranks if stage >= 1 else 1),
    }
