"""The vocabulary is dimension 2, as in the picture."""

from torch import Tensor

MISCONCEPTION = "dim/not-the-vocabulary"


def kl_to_final(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(2)
    return (logs[-1].exp() * (logs[-1] - logs)).sum(2)
