"""KL(layer ‖ final)."""

from torch import Tensor

MISCONCEPTION = "direction/reversed"


def kl_to_final(logits: Tensor) -> Tensor:
    logs = logits.log_softmax(-1)
    return (logs.exp() * (logs - logs[-1])).sum(-1)
