"""topk's values scattered into -inf: exactly k stay."""

import torch

RIGHT = True


def top_k_filter(logits, k):
    values, indices = torch.topk(logits, min(k, logits.size(-1)))
    return torch.full_like(logits, -torch.inf).scatter_(-1, indices, values)
