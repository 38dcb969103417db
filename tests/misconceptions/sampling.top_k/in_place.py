"""Masking the tensor directly is the short way."""

MISCONCEPTION = "mutates/input"


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    logits[logits < threshold] = float("-inf")
    return logits
