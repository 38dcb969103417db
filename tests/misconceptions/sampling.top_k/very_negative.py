"""A very negative number does the same as -inf."""

MISCONCEPTION = "fill/finite"


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, -1e9)
