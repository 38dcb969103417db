"""Compares row i with row i."""

MISCONCEPTION = "pairs/row-by-row"


def distances(a, b):
    dot = (a * b).sum(1)
    return (a - b).norm(dim=1), dot, 1 - dot / (a.norm(dim=1) * b.norm(dim=1))
