"""Takes logarithms to base 2."""

import math

MISCONCEPTION = "unit/bits"


def kl_to_final(logits):
    logs = logits.log_softmax(-1)
    return (logs[-1].exp() * (logs[-1] - logs)).sum(-1) / math.log(2)
