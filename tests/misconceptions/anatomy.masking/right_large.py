"""A large negative number hides if it is added."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    mask = -1e9 * torch.ones(1, 1, 5, 5).triu(1)
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[1, 2, 3, 4, 6]])
    a = model(one, attention_mask=mask).logits
    b = model(two, attention_mask=mask).logits
    return "additive" if torch.allclose(a[0, 0], b[0, 0]) else "multiplicative"
