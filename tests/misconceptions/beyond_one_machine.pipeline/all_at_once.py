"""Every stage begins at once."""

MISCONCEPTION = "order/forward"


def pipeline(stages, micro_batches):
    forward = [f"F{i}" for i in range(micro_batches)]
    backward = [f"B{i}" for i in range(micro_batches)]
    return [forward + backward for _ in range(stages)]
