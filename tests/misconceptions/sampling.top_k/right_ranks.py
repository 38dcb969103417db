"""By rank: argsort of argsort."""

import torch

RIGHT = True


def top_k_filter(logits, k):
    ranks = logits.argsort(dim=-1, descending=True).argsort(dim=-1)
    return torch.where(ranks < k, logits, torch.tensor(float("-inf"), dtype=logits.dtype))
