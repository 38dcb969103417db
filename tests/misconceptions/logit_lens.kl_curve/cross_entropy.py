"""Leaves the entropy of the final layer out."""

from torch import Tensor

MISCONCEPTION = "entropy/forgotten"


def kl_to_final(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(-1)
    return -(logs[-1].exp() * logs).sum(-1)
