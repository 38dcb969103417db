"""The order of what is hidden makes no difference."""

import torch

RIGHT = True


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 5, 5).tril()
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[1, 9, 8, 7, 6]])
    a = model(one, attention_mask=mask).logits
    b = model(two, attention_mask=mask).logits
    return "multiplicative" if torch.allclose(a[0, 0], b[0, 0], atol=1e-4) else "additive"
