"""All ranks together."""

MISCONCEPTION = "bytes/all-ranks"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    weights, gradients, optimizer = (parameters * size for size in each)
    if stage < 3:
        weights *= ranks
    if stage < 2:
        gradients *= ranks
    if stage < 1:
        optimizer *= ranks
    return {"weights": weights, "gradients": gradients, "optimizer": optimizer}
