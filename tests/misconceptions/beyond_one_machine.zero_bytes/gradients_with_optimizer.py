"""The optimizer's share of the gradients goes with it at once."""

MISCONCEPTION = "stage/order"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = each
    return {
        "weights": parameters * weights / (ranks if stage >= 3 else 1),
        "gradients": parameters * gradients / (ranks if stage >= 1 else 1),
        "optimizer": parameters * optimizer / (ranks if stage >= 1 else 1),
    }
