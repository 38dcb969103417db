"""The logarithm of the quotient, as in the formula."""

from torch import Tensor

MISCONCEPTION = "logs/unstable"


def kl_to_final(logits: Tensor) -> Tensor:
    p = logits.softmax(-1)
    return (p[-1] * (p[-1] / p).log()).sum(-1)
