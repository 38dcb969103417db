"""The k-th value of each row."""

MISCONCEPTION = "axis/last-dimension-lost"


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1]
    return logits.masked_fill(logits < threshold, float("-inf"))
