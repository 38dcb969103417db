"""A micro-batch through all stages and back, then the next."""

MISCONCEPTION = "slots/one-at-a-time"


def pipeline(stages, micro_batches):
    rows = [[] for _ in range(stages)]
    for i in range(micro_batches):
        for s in range(stages):
            for other in range(stages):
                rows[other].append(f"F{i}" if other == s else None)
        for s in reversed(range(stages)):
            for other in range(stages):
                rows[other].append(f"B{i}" if other == s else None)
    return rows
