"""Rows end with the last piece of work."""

MISCONCEPTION = "shape/ragged"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][s + i] = f"F{i}"
            rows[s][half + stages - 1 - s + i] = f"B{i}"
    for row in rows:
        while row[-1] is None:
            row.pop()
    return rows
