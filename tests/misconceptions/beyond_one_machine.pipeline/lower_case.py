"""Small letters."""

MISCONCEPTION = "labels/other"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"f{i}"
            rows[s][half + stages - 1 - s + i] = f"b{i}"
    return rows
