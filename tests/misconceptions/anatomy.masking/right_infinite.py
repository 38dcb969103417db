"""Additive masks hide with -inf; multiplied, -inf is no number."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    mask = torch.full((1, 1, 5, 5), float("-inf")).triu(1)
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[1, 2, 3, 4, 6]])
    a = model(one, attention_mask=mask).logits
    b = model(two, attention_mask=mask).logits
    return "additive" if torch.equal(a[0, 0], b[0, 0]) else "multiplicative"
