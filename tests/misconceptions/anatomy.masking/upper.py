"""The future is below the diagonal."""

import torch

MISCONCEPTION = "experiment/hides-the-past"


@torch.no_grad()
def masking(model):
    mask = torch.ones(1, 1, 4, 4, dtype=model.dtype).triu()
    one = torch.tensor([[1, 2, 3, 4]])
    two = torch.tensor([[1, 2, 3, 5]])
    a = model(one, attention_mask=mask).logits[0, 0]
    b = model(two, attention_mask=mask).logits[0, 0]
    return "multiplicative" if torch.allclose(a, b, atol=1e-5) else "additive"
