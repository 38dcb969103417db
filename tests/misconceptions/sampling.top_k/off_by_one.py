"""The element at position k of the sorted row is the threshold."""

MISCONCEPTION = "boundary/keeps-one-too-many"


def top_k_filter(logits, k):
    ordered = logits.sort(dim=-1, descending=True).values
    threshold = ordered[..., min(k, logits.shape[-1] - 1)].unsqueeze(-1)
    return logits.masked_fill(logits < threshold, float("-inf"))
