"""Abbreviated."""

MISCONCEPTION = "result/other-keys"


def zero_bytes(parameters, ranks, stage, each=(2, 2, 12)):
    return {"w": parameters * each[0], "g": parameters * each[1], "o": parameters * each[2]}
