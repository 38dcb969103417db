"""Adds 1e-9 so that nothing is -inf."""

from torch import Tensor

MISCONCEPTION = "logs/smoothed"


def kl_to_final(logits: Tensor) -> Tensor:
    p = logits.softmax(-1)
    return (p[-1] * ((p[-1] + 1e-9).log() - (p + 1e-9).log())).sum(-1)
