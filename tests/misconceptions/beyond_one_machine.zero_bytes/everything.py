"""ZeRO shards."""

MISCONCEPTION = "stage/all-sharded"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": parameters * weights / (ranks if stage else 1),
        "gradients": parameters * gradients / (ranks if stage else 1),
        "optimizer": parameters * optimizer / (ranks if stage else 1),
    }
