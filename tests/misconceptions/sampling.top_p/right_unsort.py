"""Sorted logits masked, then gathered back by the inverse order."""

import torch

RIGHT = True


def top_p_filter(logits, p):
    x = logits.to(torch.float64)
    ordered, order = x.sort(dim=-1, descending=True)
    q = ordered.softmax(-1)
    before = torch.cat([torch.zeros_like(q[..., :1]), q.cumsum(-1)[..., :-1]], dim=-1)
    ordered = torch.where(before < p, ordered, -torch.inf)
    return ordered.gather(-1, order.argsort(-1)).to(logits.dtype)
