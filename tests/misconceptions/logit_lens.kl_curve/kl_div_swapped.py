"""Gives F.kl_div its arguments in the order of the formula."""

from torch.nn import functional as F

MISCONCEPTION = "direction/reversed"


def kl_to_final(logits):
    logs = logits.log_softmax(-1)
    final = logs[-1].expand_as(logs)
    return F.kl_div(final, logs, reduction="none", log_target=True).sum(-1)
