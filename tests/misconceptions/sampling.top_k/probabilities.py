"""Filter, then make it a distribution again."""

MISCONCEPTION = "result/probabilities"


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, float("-inf")).softmax(dim=-1)
