"""Probabilities go into F.kl_div."""

from torch.nn import functional as F

MISCONCEPTION = "logs/missing"


def kl_to_final(logits):
    p = logits.softmax(-1)
    return F.kl_div(p, p[-1].expand_as(p), reduction="none").sum(-1)
