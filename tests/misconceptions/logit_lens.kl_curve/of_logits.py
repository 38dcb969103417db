"""Logits stand for log-probabilities."""

from torch import Tensor

MISCONCEPTION = "logs/of-logits"


def kl_to_final(logits: Tensor) -> Tensor:
    p = logits[-1].softmax(-1)
    return (p * (logits[-1] - logits)).sum(-1)
