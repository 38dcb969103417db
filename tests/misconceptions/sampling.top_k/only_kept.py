"""The k largest logits."""

MISCONCEPTION = "shape/only-the-kept"


def top_k_filter(logits, k):
    return logits.topk(min(k, logits.shape[-1]), dim=-1).values
