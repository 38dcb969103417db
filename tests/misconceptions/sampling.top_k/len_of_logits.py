"""k is at most len(logits)."""

MISCONCEPTION = "axis/len-is-the-number-of-rows"


def top_k_filter(logits, k):
    border = logits.topk(min(k, len(logits)), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < border, float("-inf"))
