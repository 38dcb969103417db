"""Uses a slot in which it would wait to run a forward pass once more, for its activations."""

MISCONCEPTION = "twice/micro-batch"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s, row in enumerate(rows):
        for i in range(micro_batches):
            row[s + i] = f"F{i}"
            row[half + stages - 1 - s + i] = f"B{i}"
        if row[half] is None:
            row[half] = "F0"
    return rows
