"""Makes room by working in place."""

from torch import Tensor

MISCONCEPTION = "mutates/input"


def kl_to_final(logits: Tensor) -> Tensor:
    logits -= logits.logsumexp(-1, keepdim=True)
    return (logits[-1].exp() * (logits[-1] - logits)).sum(-1)
