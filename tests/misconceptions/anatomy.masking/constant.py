"""Transformers adds."""

MISCONCEPTION = "experiment/none"


def masking(model):
    return "additive"
