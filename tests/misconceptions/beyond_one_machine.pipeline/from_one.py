"""Micro-batches 1 to m."""

MISCONCEPTION = "labels/from-one"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i + 1}"
            rows[s][half + stages - 1 - s + i] = f"B{i + 1}"
    return rows
