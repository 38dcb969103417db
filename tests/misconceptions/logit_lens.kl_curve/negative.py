"""The quotient upside down."""

from torch import Tensor

MISCONCEPTION = "sign/negative"


def kl_to_final(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(-1)
    return (logs[-1].exp() * (logs - logs[-1])).sum(-1)
