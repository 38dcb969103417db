"""The forward half mirrored, and a slot early."""

MISCONCEPTION = "order/backward-first"


def pipeline(stages, micro_batches):
    half = micro_batches + stages - 1
    rows = [[None] * (2 * half) for _ in range(stages)]
    for s in range(stages):
        for i in range(micro_batches):
            rows[s][half + s + i] = f"F{i}"
            rows[s][stages - 1 - s + i] = f"B{i}"
    return rows
