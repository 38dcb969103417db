"""Forgets the sum."""

from torch import Tensor

MISCONCEPTION = "sum/missing"


def kl_to_final(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(-1)
    return logs[-1].exp() * (logs[-1] - logs)
