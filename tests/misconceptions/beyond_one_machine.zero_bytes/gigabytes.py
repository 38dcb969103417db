"""In GB, which one can read."""

MISCONCEPTION = "bytes/gigabytes"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": parameters / 1e9 * weights / (ranks if stage >= 3 else 1),
        "gradients": parameters / 1e9 * gradients / (ranks if stage >= 2 else 1),
        "optimizer": parameters / 1e9 * optimizer / (ranks if stage >= 1 else 1),
    }
