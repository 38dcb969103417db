"""Half precision is enough to compare."""

MISCONCEPTION = "boundary/imprecise"


def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    short = logits.half()
    border = short.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(short < border, float("-inf"))
