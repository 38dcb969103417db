"""Stages and micro-batches swapped."""

MISCONCEPTION = "shape/rows"


def pipeline(stages, micro_batches):
    stages, micro_batches = micro_batches, stages
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i}"
            rows[s][half + stages - 1 - s + i] = f"B{i}"
    return rows
