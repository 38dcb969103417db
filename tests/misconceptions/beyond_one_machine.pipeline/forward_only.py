"""The forward passes."""

MISCONCEPTION = "missing/backward"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * half for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i}"
    return rows
