"""The forward half, then its mirror image."""

RIGHT = True


def pipeline(stages, micro_batches):
    forward = [
        [None] * s + [f"F{i}" for i in range(micro_batches)] + [None] * (stages - 1 - s)
        for s in range(stages)
    ]
    return [row + [slot and "B" + slot[1:] for slot in reversed(row)] for row in forward]
