"""Change a token and look whether the others notice."""

import torch

MISCONCEPTION = "experiment/changes-what-all-see"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 5, 5).tril()
    one = torch.tensor([[1, 2, 3, 4, 5]])
    two = torch.tensor([[9, 2, 3, 4, 5]])
    a = model(one, attention_mask=mask).logits
    b = model(two, attention_mask=mask).logits
    return "multiplicative" if torch.allclose(a[0, -1], b[0, -1]) else "additive"
