"""In float64 the answer is surer."""

import torch

MISCONCEPTION = "mutates/model"


@torch.no_grad()
def masking(model):
    model = model.double()
    mask = torch.ones(1, 1, 4, 4, dtype=model.dtype).tril()
    one = torch.tensor([[1, 2, 3, 4]])
    two = torch.tensor([[1, 2, 3, 5]])
    a = model(one, attention_mask=mask).logits[0, 0]
    b = model(two, attention_mask=mask).logits[0, 0]
    return "multiplicative" if torch.allclose(a, b, atol=1e-5) else "additive"
