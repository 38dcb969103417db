"""F.kl_div, its first argument the layer."""

from torch.nn import functional as F

RIGHT = True


def kl_to_final(logits):
    logs = logits.log_softmax(-1)
    final = logs[-1].expand_as(logs)
    return F.kl_div(logs, final, reduction="none", log_target=True).sum(-1)
