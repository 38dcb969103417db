"""ZeRO is stage 3."""

MISCONCEPTION = "stage/only-the-last"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    parts = ("weights", "gradients", "optimizer")
    share = ranks if stage == 3 else 1
    return {part: parameters * size / share for part, size in zip(parts, each, strict=True)}
