"""More than five are never needed."""

MISCONCEPTION = "filter/fixed-cap"


def top_k_filter(logits, k):
    border = logits.topk(min(k, 5), dim=-1).values[..., -1:]
    if k >= logits.shape[-1]:
        return logits
    return logits.masked_fill(logits < border, float("-inf"))
