"""Rows by multiplication: one row, several times."""

MISCONCEPTION = "shape/same-row"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half)] * stages
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i}"
            rows[s][half + stages - 1 - s + i] = f"B{i}"
    return rows
