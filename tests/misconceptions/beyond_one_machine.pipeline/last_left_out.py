"""range(micro_batches - 1)."""

MISCONCEPTION = "missing/micro-batch"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(max(1, micro_batches - 1)):
            rows[s][s + i] = f"F{i}"
            rows[s][half + stages - 1 - s + i] = f"B{i}"
    return rows
