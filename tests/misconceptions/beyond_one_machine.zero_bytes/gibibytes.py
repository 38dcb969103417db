"""In GiB."""

MISCONCEPTION = "bytes/gigabytes"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": parameters / 2**30 * weights / (ranks if stage >= 3 else 1),
        "gradients": parameters / 2**30 * gradients / (ranks if stage >= 2 else 1),
        "optimizer": parameters / 2**30 * optimizer / (ranks if stage >= 1 else 1),
    }
