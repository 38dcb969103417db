"""Drop all that is not larger than the first one outside."""

MISCONCEPTION = "ties/drops-all-tied"


def top_k_filter(logits, k):
    if k >= logits.shape[-1]:
        return logits.clone()
    next_one = logits.sort(dim=-1, descending=True).values[..., k : k + 1]
    return logits.masked_fill(logits <= next_one, float("-inf"))
