"""Compares the other way around."""

MISCONCEPTION = "stage/reversed"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    stages = {"weights": 3, "gradients": 2, "optimizer": 1}
    sizes = dict(zip(stages, each, strict=True))
    return {
        part: parameters * sizes[part] / (ranks if stage <= first else 1)
        for part, first in stages.items()
    }
