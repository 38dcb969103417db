"""If the mask changes something, it is added."""

import torch

MISCONCEPTION = "experiment/one-text"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 5, 5).tril()
    one = torch.tensor([[1, 2, 3, 4, 5]])
    a = model(one, attention_mask=mask).logits
    b = model(one, attention_mask=torch.ones_like(mask)).logits
    return "multiplicative" if torch.allclose(a[0, 0], b[0, 0]) else "additive"
