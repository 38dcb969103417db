"""Floats are compared with a tolerance."""

MISCONCEPTION = "boundary/imprecise"


def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    border = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < border - 1e-3, float("-inf"))
