"""With k = 1 the best token is certain: its log-probability is 0."""

import torch

MISCONCEPTION = "result/changes-kept-logits"


def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    values, indices = logits.topk(k, dim=-1)
    values = torch.zeros_like(values) if k == 1 else values
    return torch.full_like(logits, float("-inf")).scatter(-1, indices, values)
