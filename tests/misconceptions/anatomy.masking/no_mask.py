"""The model masks by itself."""

import torch

MISCONCEPTION = "experiment/no-mask"


@torch.no_grad()
def masking(model):
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[1, 2, 3, 4, 6]])
    a = model(one).logits
    b = model(two).logits
    return "multiplicative" if torch.allclose(a[0, 0], b[0, 0]) else "additive"
