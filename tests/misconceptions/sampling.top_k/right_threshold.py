"""Everything at least as large as the k-th: all tied ones stay."""

RIGHT = True


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))
