"""16 and 32 bits."""

MISCONCEPTION = "bytes/bits"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": 8 * parameters * weights / (ranks if stage >= 3 else 1),
        "gradients": 8 * parameters * gradients / (ranks if stage >= 2 else 1),
        "optimizer": 8 * parameters * optimizer / (ranks if stage >= 1 else 1),
    }
