"""Sort, cut, done."""

MISCONCEPTION = "order/result-in-sorted-order"


def top_k_filter(logits, k):
    ordered = logits.sort(dim=-1, descending=True).values.clone()
    ordered[..., k:] = float("-inf")
    return ordered
