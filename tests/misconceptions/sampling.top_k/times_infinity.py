"""Add minus infinity where the mask says so."""

MISCONCEPTION = "fill/multiplies-by-infinity"


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    dropped = (logits < threshold).to(logits.dtype)
    return logits + dropped * float("-inf")
