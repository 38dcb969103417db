"""The k-th of all logits is the threshold."""

MISCONCEPTION = "axis/whole-tensor"


def top_k_filter(logits, k):
    values = logits.flatten().topk(min(k, logits.numel())).values
    return logits.masked_fill(logits < values[-1], float("-inf"))
