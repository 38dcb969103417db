"""Clamps at the smallest step of a float."""

import torch
from torch import Tensor

MISCONCEPTION = "logs/smoothed"


def kl_to_final(logits: Tensor) -> Tensor:
    p = logits.softmax(-1)
    logs = p.clamp_min(torch.finfo(p.dtype).eps).log()
    return (p[-1] * (logs[-1] - logs)).sum(-1)
