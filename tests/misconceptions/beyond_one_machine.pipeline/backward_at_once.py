"""Each stage goes back when it has gone forward."""

MISCONCEPTION = "order/backward"


def pipeline(stages, micro_batches):
    slots = 2 * (micro_batches + stages - 1)
    rows = []
    for s in range(stages):
        work = [f"{way}{i}" for i in range(micro_batches) for way in "FB"]
        rows.append([None] * s + work + [None] * (slots - s - len(work)))
    return rows
