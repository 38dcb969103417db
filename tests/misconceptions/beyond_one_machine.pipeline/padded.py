"""Room for all, to be sure."""

MISCONCEPTION = "slots/too-many"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * (micro_batches + stages)) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i}"
            rows[s][half + stages - 1 - s + i] = f"B{i}"
    return rows
